// SPDX-License-Identifier: MIT
/* Programs that are called back: by map walks, loops and trees; and those that leave by tail calls and exceptions. */
#include "bpf_cpumask.h"

enum { BPF_MAP_TYPE_PROG_ARRAY = 3, BPF_MAP_TYPE_PERCPU_HASH = 5 };

struct bpf_spin_lock { u32 val; };
struct bpf_rb_root { u64 opaque[2]; };
struct bpf_rb_node { u64 opaque[4]; };

static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*const bpf_spin_lock_)(struct bpf_spin_lock *lock) = (void *)93;
static long (*const bpf_spin_unlock_)(struct bpf_spin_lock *lock) = (void *)94;

extern void *bpf_obj_new_impl(u64 local_type_id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *obj, void *meta) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			       bool (*less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta,
			       u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node) __ksym;
extern void bpf_throw(u64 cookie) __ksym;

#define container_of(ptr, type, member) ((type *)((void *)(ptr) - __builtin_offsetof(type, member)))
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))

struct __sk_buff;

u64 out[8];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 5);
	__type(key, u32);
	__type(value, u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} percpu SEC(".maps");

struct sums {
	u64 keys;
	u64 values;
	u64 stop_at;
};

static long sum(void *map, const u32 *key, u64 *value, struct sums *sums)
{
	sums->keys += *key;
	sums->values += *value;
	*value += 1;
	return sums->stop_at && *key == sums->stop_at;
}

SEC("syscall") int walk_array(void *ctx)
{
	struct sums all = {}, some = { .stop_at = 2 };
	u64 value = 10;

	for (u32 i = 0; i < 5; i++, value += 10) {
		u32 key = i;

		bpf_map_update_elem(&array, &key, &value, BPF_ANY);
	}
	out[0] = bpf_for_each_map_elem(&array, sum, &all, 0);
	out[1] = all.keys;
	out[2] = all.values;
	out[3] = bpf_for_each_map_elem(&array, sum, &some, 0);
	out[4] = some.keys;
	out[5] = some.values;
	out[6] = bpf_for_each_map_elem(&array, sum, &some, 1);
	return 0;
}

static long drop_odd(void *map, const u32 *key, u64 *value, u64 *dropped)
{
	u32 k = *key;

	if (k & 1) {
		bpf_map_delete_elem(map, &k);
		*dropped += 1;
	}
	return 0;
}

SEC("syscall") int walk_hash(void *ctx)
{
	struct sums all = {}, rest = {};
	u64 value = 100, dropped = 0;

	for (u32 i = 0; i < 10; i++, value++) {
		u32 key = i;

		bpf_map_update_elem(&hash, &key, &value, BPF_ANY);
	}
	out[0] = bpf_for_each_map_elem(&hash, sum, &all, 0);
	out[1] = all.keys;
	out[2] = all.values;
	out[3] = bpf_for_each_map_elem(&hash, drop_odd, &dropped, 0);
	out[4] = dropped;
	out[5] = bpf_for_each_map_elem(&hash, sum, &rest, 0);
	out[6] = rest.keys;
	out[7] = rest.values;
	return 0;
}

SEC("syscall") int walk_percpu(void *ctx)
{
	struct sums all = {};
	u64 value = 7;

	for (u32 i = 1; i < 4; i++, value *= 2) {
		u32 key = i;

		bpf_map_update_elem(&percpu, &key, &value, BPF_ANY);
	}
	out[0] = bpf_for_each_map_elem(&percpu, sum, &all, 0);
	out[1] = all.keys;
	out[2] = all.values;
	return 0;
}

static long inner(u32 i, u64 *total)
{
	*total += i;
	return 0;
}

static long outer(u32 i, u64 *total)
{
	*total += 1000 * bpf_loop(i, inner, total, 0);
	return i == 5;
}

SEC("syscall") int nested_loops(void *ctx)
{
	u64 total = 0;

	out[0] = bpf_loop(10, outer, &total, 0);
	out[1] = total;
	return 0;
}

struct node {
	struct bpf_rb_node link;
	u64 key;
};

private(TREE) struct bpf_spin_lock lock;
private(TREE) struct bpf_rb_root root __contains(node, link);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	out[7]++;
	return container_of(a, struct node, link)->key < container_of(b, struct node, link)->key;
}

static const u64 keys[] = { 5, 2, 8, 1, 9, 3 };

SEC("syscall") int tree(void *ctx)
{
	u64 digits = 0;

	for (int i = 0; i < 6; i++) {
		struct node *n = bpf_obj_new_impl(__builtin_btf_type_id(*(struct node *)0, 0), NULL);

		if (!n)
			return 1;
		n->key = keys[i];
		bpf_spin_lock_(&lock);
		bpf_rbtree_add_impl(&root, &n->link, less, NULL, 0);
		bpf_spin_unlock_(&lock);
	}
	for (int i = 0; i < 6; i++) {
		struct bpf_rb_node *first, *taken = NULL;

		bpf_spin_lock_(&lock);
		first = bpf_rbtree_first(&root);
		if (first)
			taken = bpf_rbtree_remove(&root, first);
		bpf_spin_unlock_(&lock);
		if (!taken)
			return 2;
		digits = digits * 10 + container_of(taken, struct node, link)->key;
		bpf_obj_drop_impl(container_of(taken, struct node, link), NULL);
	}
	out[0] = digits;
	return 0;
}

int last(struct __sk_buff *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(u32));
	__attribute__((aligned(8))) int (*values[])(struct __sk_buff *ctx);
} jumps SEC(".maps") = {
	.values = { [1] = &last },
};

SEC("tc") int last(struct __sk_buff *ctx)
{
	out[1]++;
	tail_call(ctx, &jumps, 1);
	return 40;
}

SEC("tc") int jump(struct __sk_buff *ctx)
{
	out[0] = 1;
	tail_call(ctx, &jumps, 0);
	out[0] = 2;
	tail_call(ctx, &jumps, 9);
	out[0] = 3;
	tail_call(ctx, &jumps, 1);
	out[0] = 4;
	return 50;
}

__attribute__((noinline)) static u64 thrower(u64 x)
{
	if (x != 7)
		bpf_throw(x);
	return x + 1;
}

SEC("syscall") int throws(struct { u64 x; } *ctx)
{
	out[0] = 1;
	out[1] = thrower(ctx->x);
	out[0] = 2;
	return 33;
}

__attribute__((noinline)) int catches(u64 cookie)
{
	out[2] = cookie;
	return 44;
}

SEC("syscall") __attribute__((btf_decl_tag("exception_callback:catches"))) int caught(struct { u64 x; } *ctx)
{
	out[0] = 1;
	out[1] = thrower(ctx->x);
	out[0] = 2;
	return 33;
}

LICENSE("GPL");
