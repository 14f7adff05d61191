// SPDX-License-Identifier: MIT
/* Map values that own: a list, a tree, an object, masks, each with masks of its own. One program an operation and map. */
#include "common.h"

struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *root) __ksym;
struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *root, struct bpf_rb_node *node) __ksym;
struct bpf_rb_node *bpf_rbtree_right(struct bpf_rb_root *root, struct bpf_rb_node *node) __ksym;

struct op {
	u32 key;
	u32 arg;
	u32 how;
};

struct item {
	struct bpf_rb_node branch;
	struct bpf_list_node link;
	struct bpf_refcount refs;
	u32 number;
	struct bpf_cpumask __kptr *mask;
};

struct box {
	u64 number;
	struct bpf_cpumask __kptr *mask;
};

struct owner {
	struct bpf_spin_lock lock;
	u32 number;
	struct bpf_list_head list __contains(item, link);
	struct bpf_rb_root tree __contains(item, branch);
	struct {
		struct box __kptr *box;
		struct bpf_cpumask __kptr *masks[2];
	} in;
};

#define OWNERS(name, kind, with)                                                                                       \
	struct {                                                                                                       \
		__uint(type, kind);                                                                                    \
		__uint(max_entries, 3);                                                                                \
		__uint(map_flags, with);                                                                               \
		__type(key, u32);                                                                                      \
		__type(value, struct owner);                                                                           \
	} name SEC(".maps")
OWNERS(array, BPF_MAP_TYPE_ARRAY, 0);
OWNERS(hash, BPF_MAP_TYPE_HASH, 0);
OWNERS(lazy, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct item, branch)->number < container_of(b, struct item, branch)->number;
}

static __always_inline struct item *new_item(u32 number)
{
	struct item *item = bpf_obj_new(struct item);
	struct bpf_cpumask *mask;

	if (!item)
		return NULL;
	item->number = number;
	mask = bpf_cpumask_create();
	if (mask)
		mask = bpf_kptr_xchg(&item->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return item;
}

static __always_inline int put(void *map, struct op *op)
{
	struct owner owner = { .number = op->arg };
	u32 key = op->key;

	return bpf_map_update_elem(map, &key, &owner, op->how);
}

static __always_inline int del(void *map, struct op *op)
{
	u32 key = op->key;

	return bpf_map_delete_elem(map, &key);
}

static __always_inline int read(struct owner *owner, struct op *op)
{
	return owner->number;
}

static __always_inline int push(struct owner *owner, struct op *op)
{
	struct item *item = new_item(op->arg);
	u32 front = op->how;

	if (!item)
		return -ENOMEM;
	bpf_spin_lock(&owner->lock);
	if (front)
		bpf_list_push_front_impl(&owner->list, &item->link, NULL, 0);
	else
		bpf_list_push_back_impl(&owner->list, &item->link, NULL, 0);
	bpf_spin_unlock(&owner->lock);
	return 0;
}

static __always_inline int pop(struct owner *owner, struct op *op)
{
	struct bpf_list_node *link;
	struct item *item;
	u32 front = op->how;
	int number;

	bpf_spin_lock(&owner->lock);
	if (front)
		link = bpf_list_pop_front(&owner->list);
	else
		link = bpf_list_pop_back(&owner->list);
	bpf_spin_unlock(&owner->lock);
	if (!link)
		return -ENOENT;
	item = container_of(link, struct item, link);
	number = item->number;
	bpf_obj_drop(item);
	return number;
}

static __always_inline int add(struct owner *owner, struct op *op)
{
	struct item *item = new_item(op->arg);

	if (!item)
		return -ENOMEM;
	bpf_spin_lock(&owner->lock);
	bpf_rbtree_add_impl(&owner->tree, &item->branch, less, NULL, 0);
	bpf_spin_unlock(&owner->lock);
	return 0;
}

static __always_inline int drop(struct bpf_rb_node *branch)
{
	struct item *item;
	int number;

	if (!branch)
		return -ENOENT;
	item = container_of(branch, struct item, branch);
	number = item->number;
	bpf_obj_drop(item);
	return number;
}

static __always_inline int take(struct owner *owner, struct op *op)
{
	struct bpf_rb_node *branch;

	bpf_spin_lock(&owner->lock);
	branch = bpf_rbtree_first(&owner->tree);
	if (!branch) {
		bpf_spin_unlock(&owner->lock);
		return -ENOENT;
	}
	branch = bpf_rbtree_remove(&owner->tree, branch);
	bpf_spin_unlock(&owner->lock);
	return drop(branch);
}

/* From the root down to a number, by left and right; takes it out. */
static __always_inline int find(struct owner *owner, struct op *op)
{
	struct bpf_rb_node *branch, *found = NULL;
	u32 wanted = op->arg, number;
	int i;

	bpf_spin_lock(&owner->lock);
	branch = bpf_rbtree_root(&owner->tree);
	for (i = 0; i < 10 && branch; i++) {
		number = container_of(branch, struct item, branch)->number;
		if (number == wanted) {
			found = bpf_rbtree_remove(&owner->tree, branch);
			break;
		}
		branch = wanted < number ? bpf_rbtree_left(&owner->tree, branch) : bpf_rbtree_right(&owner->tree, branch);
	}
	bpf_spin_unlock(&owner->lock);
	return drop(found);
}

static __always_inline int mask(struct owner *owner, struct op *op)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	mask = bpf_kptr_xchg(op->arg & 1 ? &owner->in.masks[1] : &owner->in.masks[0], mask);
	if (!mask)
		return 0;
	bpf_cpumask_release(mask);
	return 1;
}

static __always_inline int box(struct owner *owner, struct op *op)
{
	struct box *box = bpf_obj_new(struct box);
	struct bpf_cpumask *mask;

	if (!box)
		return -ENOMEM;
	mask = bpf_cpumask_create();
	if (mask)
		mask = bpf_kptr_xchg(&box->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	box = bpf_kptr_xchg(&owner->in.box, box);
	if (!box)
		return 0;
	bpf_obj_drop(box);
	return 1;
}

/* Whether an update under the lock leaves what the value owned. */
static __always_inline int locked_update_keeps(void *map)
{
	struct owner *owner, value = { .number = 5 };
	struct op op = {};
	u32 key = 0;

	bpf_map_update_elem(map, &key, &value, BPF_ANY);
	owner = bpf_map_lookup_elem(map, &key);
	if (!owner || mask(owner, &op))
		return -1;
	if (bpf_map_update_elem(map, &key, &value, 4))
		return -2;
	owner = bpf_map_lookup_elem(map, &key);
	return owner && owner->in.masks[0] ? 1 : 0;
}

#define WITH_MAP(verb, map)                                                                                            \
	SEC("syscall") int verb##_##map(struct op *op)                                                                 \
	{                                                                                                              \
		return verb(&map, op);                                                                                 \
	}
#define WITH_OWNER(verb, map)                                                                                          \
	SEC("syscall") int verb##_##map(struct op *op)                                                                 \
	{                                                                                                              \
		u32 key = op->key;                                                                                     \
		struct owner *owner = bpf_map_lookup_elem(&map, &key);                                                 \
                                                                                                                       \
		return owner ? verb(owner, op) : -EINVAL;                                                              \
	}
#define PROGRAMS(map)                                                                                                  \
	WITH_MAP(put, map)                                                                                             \
	WITH_MAP(del, map)                                                                                             \
	WITH_OWNER(read, map)                                                                                          \
	WITH_OWNER(push, map)                                                                                          \
	WITH_OWNER(pop, map)                                                                                           \
	WITH_OWNER(add, map)                                                                                           \
	WITH_OWNER(take, map)                                                                                          \
	WITH_OWNER(find, map)                                                                                          \
	WITH_OWNER(mask, map)                                                                                          \
	WITH_OWNER(box, map)                                                                                           \
	SEC("syscall") int keeps_##map(void *ctx)                                                                      \
	{                                                                                                              \
		return locked_update_keeps(&map);                                                                      \
	}
PROGRAMS(array)
PROGRAMS(hash)
PROGRAMS(lazy)

LICENSE("GPL");
