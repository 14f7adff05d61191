// SPDX-License-Identifier: MIT
/* Objects of a program's own: kept in maps as kptrs, linked into trees and lists that own masks, counted; and iterators. */
#include "common.h"

static void *(*const bpf_per_cpu_ptr)(const void *percpu, u32 cpu) = (void *)153;
static void *(*const bpf_this_cpu_ptr)(const void *percpu) = (void *)154;
void *bpf_percpu_obj_new_impl(u64 local_type_id, void *meta) __ksym;
void bpf_percpu_obj_drop_impl(void *kptr, void *meta) __ksym;
#define bpf_percpu_obj_new(type) ((type __percpu_kptr *)bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_percpu_obj_drop(ptr) bpf_percpu_obj_drop_impl((void *)(ptr), NULL)

int pid, nr_cpus;
int err;
/* In memory, not in registers: the verifier would tell each count of a loop from the next. */
int met, sum;

struct job {
	struct bpf_rb_node node;
	struct bpf_list_node link;
	struct bpf_refcount ref;
	u32 key;
	struct bpf_cpumask __kptr *mask;
};

struct plain {
	u64 number;
	struct bpf_cpumask __kptr *mask;
};

struct tally {
	u64 n;
};

struct stash {
	struct plain __kptr *plain;
	struct {
		u32 n;
		struct job __kptr *job;
	} in;
	struct tally __percpu_kptr *counts;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, struct stash);
} stashes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, struct stash);
} by_key SEC(".maps");

struct queue {
	struct bpf_spin_lock lock;
	struct bpf_list_head jobs __contains(job, link);
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, struct queue);
} queues SEC(".maps");

private(TREE) struct bpf_spin_lock tree_lock;
private(TREE) struct bpf_rb_root tree __contains(job, node);
private(KEPT) struct job __kptr *kept;

#define NEWTASK(name) SEC("tp_btf/task_newtask") int name(u64 *ctx)

static __always_inline bool ours(void)
{
	return (int)(bpf_get_current_pid_tgid() >> 32) == pid;
}

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct job, node)->key < container_of(b, struct job, node)->key;
}

/* A job that owns a mask of one CPU. */
static __always_inline struct job *new_job(u32 key)
{
	struct bpf_cpumask *mask;
	struct job *job = bpf_obj_new(struct job);

	if (!job)
		return NULL;
	job->key = key;
	mask = mask_of(1);
	if (mask)
		mask = bpf_kptr_xchg(&job->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return job;
}

static __always_inline int stash_plain(struct stash *stash)
{
	struct plain *plain = bpf_obj_new(struct plain);
	struct bpf_cpumask *mask;

	if (!plain)
		return 1;
	plain->number = 42;
	mask = mask_of(2);
	if (mask)
		mask = bpf_kptr_xchg(&plain->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	plain = bpf_kptr_xchg(&stash->plain, plain);
	if (plain) {
		bpf_obj_drop(plain);
		return 2;
	}
	bpf_rcu_read_lock();
	plain = stash->plain;
	if (!plain || plain->number != 42)
		err = 3;
	bpf_rcu_read_unlock();
	return err;
}

NEWTASK(stash_and_unstash)
{
	struct stash *stash;
	struct plain *plain;
	int key = 1;

	if (!ours())
		return 0;
	stash = bpf_map_lookup_elem(&stashes, &key);
	if (!stash) {
		err = 10;
		return 0;
	}
	err = stash_plain(stash);
	plain = bpf_kptr_xchg(&stash->plain, NULL);
	if (!plain) {
		err = 11;
		return 0;
	}
	if (plain->number != 42)
		err = 12;
	bpf_obj_drop(plain);
	return 0;
}

/* What is left in an element goes with it, and what the object owns goes with the object. */
NEWTASK(stash_and_delete)
{
	struct stash *stash, empty = {};
	struct job *job;
	int key = 3;

	if (!ours())
		return 0;
	if (bpf_map_update_elem(&by_key, &key, &empty, BPF_ANY) || !(stash = bpf_map_lookup_elem(&by_key, &key))) {
		err = 10;
		return 0;
	}
	err = stash_plain(stash);
	job = new_job(1);
	if (!job) {
		err = 11;
		return 0;
	}
	job = bpf_kptr_xchg(&stash->in.job, job);
	if (job) {
		err = 12;
		bpf_obj_drop(job);
	}
	if (bpf_map_delete_elem(&by_key, &key))
		err = 13;
	return 0;
}

/* Four jobs out of order into the tree; they leave it in order. */
NEWTASK(tree_in_order)
{
	struct bpf_rb_node *node;
	struct job *job;
	u32 i, last = 0;

	if (!ours())
		return 0;
	for (i = 0; i < 4; i++) {
		job = new_job(i * 7 % 5 + 1);
		if (!job) {
			err = 1;
			return 0;
		}
		bpf_spin_lock(&tree_lock);
		bpf_rbtree_add_impl(&tree, &job->node, less, NULL, 0);
		bpf_spin_unlock(&tree_lock);
	}
	for (i = 0; i < 3; i++) {
		bpf_spin_lock(&tree_lock);
		node = bpf_rbtree_first(&tree);
		if (!node) {
			bpf_spin_unlock(&tree_lock);
			err = 2;
			return 0;
		}
		node = bpf_rbtree_remove(&tree, node);
		bpf_spin_unlock(&tree_lock);
		if (!node) {
			err = 3;
			return 0;
		}
		job = container_of(node, struct job, node);
		if (job->key <= last)
			err = 4;
		last = job->key;
		bpf_obj_drop(job);
	}
	/* The fourth stays, with its mask: freeing the map frees them. */
	return 0;
}

/* One object in a tree, in a list and in a kptr at once, by its count. */
NEWTASK(shared_object)
{
	struct queue *queue, empty = {};
	struct bpf_list_node *link;
	struct job *job, *other;
	int key = 5;

	if (!ours())
		return 0;
	if (bpf_map_update_elem(&queues, &key, &empty, BPF_ANY) || !(queue = bpf_map_lookup_elem(&queues, &key))) {
		err = 1;
		return 0;
	}
	job = new_job(9);
	if (!job) {
		err = 2;
		return 0;
	}
	other = bpf_refcount_acquire(job);
	bpf_spin_lock(&queue->lock);
	bpf_list_push_back_impl(&queue->jobs, &other->link, NULL, 0);
	bpf_spin_unlock(&queue->lock);
	job->key = 10;
	job = bpf_kptr_xchg(&kept, job);
	if (job) {
		bpf_obj_drop(job);
		err = 3;
	}
	bpf_spin_lock(&queue->lock);
	link = bpf_list_pop_front(&queue->jobs);
	bpf_spin_unlock(&queue->lock);
	if (!link) {
		err = 4;
		return 0;
	}
	other = container_of(link, struct job, link);
	if (other->key != 10)
		err = 5;
	bpf_spin_lock(&queue->lock);
	bpf_list_push_front_impl(&queue->jobs, &other->link, NULL, 0);
	bpf_spin_unlock(&queue->lock);
	job = bpf_kptr_xchg(&kept, NULL);
	if (!job) {
		err = 6;
		return 0;
	}
	bpf_obj_drop(job);
	/* The list has the last reference; deleting the element empties the list. */
	if (bpf_map_delete_elem(&queues, &key))
		err = 7;
	return 0;
}

/* A number for each CPU, in one object. */
NEWTASK(percpu_object)
{
	struct tally __percpu_kptr *tally;
	struct stash *stash;
	struct tally *mine;
	int key = 0;

	if (!ours())
		return 0;
	stash = bpf_map_lookup_elem(&stashes, &key);
	if (!stash) {
		err = 1;
		return 0;
	}
	tally = bpf_percpu_obj_new(struct tally);
	if (!tally) {
		err = 2;
		return 0;
	}
	tally = bpf_kptr_xchg(&stash->counts, tally);
	if (tally) {
		bpf_percpu_obj_drop(tally);
		err = 3;
		return 0;
	}
	bpf_rcu_read_lock();
	tally = stash->counts;
	if (tally) {
		mine = bpf_this_cpu_ptr(tally);
		mine->n += 5;
		mine = bpf_per_cpu_ptr(tally, nr_cpus - 1);
		if (!mine)
			err = 4;
		else if (mine->n != 0)
			err = 5;
		if (bpf_per_cpu_ptr(tally, nr_cpus))
			err = 6;
		mine = bpf_this_cpu_ptr(tally);
		if (mine->n != 5)
			err = 7;
	} else {
		err = 8;
	}
	bpf_rcu_read_unlock();
	/* It stays: freeing the map frees it. */
	return 0;
}

SEC("syscall")
int iterate(void *ctx)
{
	u64 words[2] = { 0x8000000000000005ULL, 0x3 };
	struct bpf_iter_num num;
	struct bpf_iter_bits bits;
	int *at;

	bpf_iter_num_new(&num, -3, 4);
	while ((at = bpf_iter_num_next(&num)))
		sum += *at;
	bpf_iter_num_destroy(&num);
	if (sum != 0)
		err = 1;
	bpf_iter_num_new(&num, 5, 5);
	if (bpf_iter_num_next(&num))
		err = 2;
	bpf_iter_num_destroy(&num);
	bpf_iter_bits_new(&bits, words, 2);
	while ((at = bpf_iter_bits_next(&bits))) {
		met++;
		sum += *at;
	}
	bpf_iter_bits_destroy(&bits);
	if (met != 5 || sum != 0 + 2 + 63 + 64 + 65)
		err = 3;
	bpf_iter_bits_new(&bits, words, 0);
	if (bpf_iter_bits_next(&bits))
		err = 4;
	bpf_iter_bits_destroy(&bits);
	return 0;
}

LICENSE("GPL");
