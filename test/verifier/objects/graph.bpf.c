// SPDX-License-Identifier: MIT
// Linked lists and trees of objects, locks, references that own and that do not.
#include "common.h"

struct item {
	struct bpf_list_node link;
	struct bpf_refcount refs;
	u64 number;
	struct bpf_rb_node branch;
};
struct plain { u64 number; struct bpf_cpumask __kptr *mask; };

struct shelf {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(item, link);
	u64 count;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct shelf);
} shelves SEC(".maps");

private(A) struct bpf_spin_lock lock_a;
private(A) struct bpf_list_head list_a __contains(item, link);
private(B) struct bpf_spin_lock lock_b;
private(B) struct bpf_rb_root tree_b __contains(item, branch);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct item, branch)->number < container_of(b, struct item, branch)->number;
}

static bool less_locks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_spin_lock(&lock_a);
	bpf_spin_unlock(&lock_a);
	return true;
}

static bool less_removes(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_rbtree_remove(&tree_b, a);
	return true;
}

SEC("tc") int push(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int push_without_lock(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	return 0;
}

SEC("tc") int push_under_other_lock(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int push_unchecked(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int push_wrong_node(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, (void *)&i->branch, NULL, 0);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int push_wrong_offset(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, (void *)&i->number, NULL, 0);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int push_twice(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int read_after_push(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);
	u64 n;

	if (!i)
		return 0;
	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	n = i->number;
	bpf_spin_unlock(&lock_a);
	return n;
}

SEC("tc") int read_after_unlock(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	bpf_spin_unlock(&lock_a);
	return i->number;
}

SEC("tc") int pop_and_drop(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock_a);
	n = bpf_list_pop_front(&list_a);
	bpf_spin_unlock(&lock_a);
	if (n)
		bpf_obj_drop(container_of(n, struct item, link));
	return 0;
}

SEC("tc") int pop_leaks(void *ctx)
{
	bpf_spin_lock(&lock_a);
	bpf_list_pop_front(&list_a);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int drop_node_not_item(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock_a);
	n = bpf_list_pop_front(&list_a);
	bpf_spin_unlock(&lock_a);
	if (n)
		bpf_obj_drop(n);
	return 0;
}

SEC("tc") int map_list(void *ctx)
{
	struct shelf *s;
	struct item *i;
	u32 key = 0;

	s = bpf_map_lookup_elem(&shelves, &key);
	if (!s)
		return 0;
	i = bpf_obj_new(struct item);
	if (!i)
		return 0;
	bpf_spin_lock(&s->lock);
	bpf_list_push_back_impl(&s->head, &i->link, NULL, 0);
	s->count++;
	bpf_spin_unlock(&s->lock);
	return 0;
}

SEC("tc") int map_list_wrong_lock(void *ctx)
{
	struct shelf *s;
	struct item *i;
	u32 key = 0;

	s = bpf_map_lookup_elem(&shelves, &key);
	if (!s)
		return 0;
	i = bpf_obj_new(struct item);
	if (!i)
		return 0;
	bpf_spin_lock(&lock_a);
	bpf_list_push_back_impl(&s->head, &i->link, NULL, 0);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int head_read_directly(void *ctx)
{
	struct shelf *s;
	u32 key = 0;

	s = bpf_map_lookup_elem(&shelves, &key);
	return s ? *(int *)&s->head : 0;
}

SEC("tc") int tree_add(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	i->number = 5;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree_b, &i->branch, less, NULL, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int tree_add_less_locks(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree_b, &i->branch, less_locks, NULL, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int tree_add_less_removes(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);

	if (!i)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree_b, &i->branch, less_removes, NULL, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int tree_first_and_remove(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree_b);
	if (!n) {
		bpf_spin_unlock(&lock_b);
		return 0;
	}
	n = bpf_rbtree_remove(&tree_b, n);
	bpf_spin_unlock(&lock_b);
	if (n)
		bpf_obj_drop(container_of(n, struct item, branch));
	return 0;
}

SEC("tc") int tree_remove_unchecked(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree_b);
	n = bpf_rbtree_remove(&tree_b, n);
	bpf_spin_unlock(&lock_b);
	if (n)
		bpf_obj_drop(container_of(n, struct item, branch));
	return 0;
}

SEC("tc") int tree_remove_owned(void *ctx)
{
	struct item *i = bpf_obj_new(struct item);
	struct bpf_rb_node *n;

	if (!i)
		return 0;
	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_remove(&tree_b, &i->branch);
	bpf_spin_unlock(&lock_b);
	if (n)
		bpf_obj_drop(container_of(n, struct item, branch));
	return 0;
}

SEC("tc") int tree_first_after_unlock(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree_b);
	bpf_spin_unlock(&lock_b);
	return n ? container_of(n, struct item, branch)->number : 0;
}

SEC("tc") int both_owners(void *ctx)
{
	struct item *i = bpf_obj_new(struct item), *j;

	if (!i)
		return 0;
	j = bpf_refcount_acquire(i);
	bpf_spin_lock(&lock_a);
	bpf_list_push_front_impl(&list_a, &i->link, NULL, 0);
	bpf_spin_unlock(&lock_a);
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree_b, &j->branch, less, NULL, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int refcount_of_plain(void *ctx)
{
	struct plain *p = bpf_obj_new(struct plain), *q;

	if (!p)
		return 0;
	q = bpf_refcount_acquire(p);
	bpf_obj_drop(p);
	if (q)
		bpf_obj_drop(q);
	return 0;
}

SEC("tc") int new_leaks(void *ctx)
{
	struct plain *p = bpf_obj_new(struct plain);

	return p ? 1 : 0;
}

SEC("tc") int drop_twice(void *ctx)
{
	struct plain *p = bpf_obj_new(struct plain);

	if (!p)
		return 0;
	bpf_obj_drop(p);
	bpf_obj_drop(p);
	return 0;
}

SEC("tc") int use_after_drop(void *ctx)
{
	struct plain *p = bpf_obj_new(struct plain);

	if (!p)
		return 0;
	bpf_obj_drop(p);
	return p->number;
}

SEC("tc") int beyond_object(void *ctx)
{
	struct plain *p = bpf_obj_new(struct plain);
	u64 n;

	if (!p)
		return 0;
	n = *(volatile u64 *)((void *)p + 16);
	bpf_obj_drop(p);
	return n;
}

SEC("tc") int kptr_in_object_written(void *ctx)
{
	struct plain *p = bpf_obj_new(struct plain);

	if (!p)
		return 0;
	*(volatile u64 *)&p->mask = 1;
	bpf_obj_drop(p);
	return 0;
}

SEC("tc") int list_lock_twice(void *ctx)
{
	bpf_spin_lock(&lock_a);
	bpf_spin_lock(&lock_b);
	bpf_spin_unlock(&lock_b);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int unlock_other(void *ctx)
{
	bpf_spin_lock(&lock_a);
	bpf_spin_unlock(&lock_b);
	return 0;
}

SEC("tc") int unlock_only(void *ctx)
{
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int lock_only(void *ctx)
{
	bpf_spin_lock(&lock_a);
	return 0;
}

SEC("tc") int helper_under_lock(void *ctx)
{
	u32 key = 0;

	bpf_spin_lock(&lock_a);
	bpf_map_lookup_elem(&shelves, &key);
	bpf_spin_unlock(&lock_a);
	return 0;
}

SEC("tc") int create_under_lock(void *ctx)
{
	struct item *i;

	bpf_spin_lock(&lock_a);
	i = bpf_obj_new(struct item);
	bpf_spin_unlock(&lock_a);
	if (i)
		bpf_obj_drop(i);
	return 0;
}

SEC("tc") int lock_read_directly(void *ctx)
{
	return *(volatile u32 *)&lock_a;
}

static __noinline int locked_part(void) { return bpf_ktime_get_ns() & 1; }

SEC("tc") int function_under_lock(void *ctx)
{
	int r;

	bpf_spin_lock(&lock_a);
	r = locked_part();
	bpf_spin_unlock(&lock_a);
	return r;
}

LICENSE("GPL");
