// SPDX-License-Identifier: MIT
/*
 * References that are lost while their object is still in use. `share_wrong` is verified: its second reference goes into an
 * element that another CPU has deleted. The verifier refuses the others, which forget what they acquired.
 */
#include "element.h"

struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;

struct kept_task {
	struct task_struct __kptr *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kept_task);
} kept SEC(".maps");

/* A new mask in `shared`, and a second reference to it. */
static __always_inline struct bpf_cpumask *share_mask(void)
{
	struct bpf_cpumask *mask = bpf_cpumask_create(), *second;

	if (!mask)
		return NULL;
	second = bpf_cpumask_acquire(mask);
	put_mask(&shared, mask);
	return second;
}

static __always_inline int share(bool checked)
{
	u32 key = 1;
	struct task_info *info = bpf_map_lookup_elem(&tasks, &key);
	struct bpf_cpumask *mask;

	if (!info)
		return 0;
	mask = share_mask();
	if (mask)
		put_into(info, key, mask, checked);
	return 0;
}

SEC("syscall")
int share_wrong(void *ctx)
{
	return share(false);
}

SEC("syscall")
int share_right(void *ctx)
{
	return share(true);
}

SEC("syscall")
int count_wrong(void *ctx)
{
	struct bpf_cpumask *mask = share_mask();

	return mask && bpf_cpumask_empty((const struct cpumask *)mask);
}

SEC("syscall")
int count_right(void *ctx)
{
	struct bpf_cpumask *mask = share_mask();
	bool empty;

	if (!mask)
		return 0;
	empty = bpf_cpumask_empty((const struct cpumask *)mask);
	bpf_cpumask_release(mask);
	return empty;
}

static __always_inline int keep_task(bool release)
{
	u32 key = 0;
	struct kept_task *value = bpf_map_lookup_elem(&kept, &key);
	struct task_struct *task, *old;

	if (!value)
		return 0;
	task = bpf_task_acquire(bpf_get_current_task_btf());
	if (!task)
		return 0;
	old = bpf_kptr_xchg(&value->task, task);
	if (old && release)
		bpf_task_release(old);
	return 0;
}

SEC("syscall")
int keep_wrong(void *ctx)
{
	return keep_task(false);
}

SEC("syscall")
int keep_right(void *ctx)
{
	return keep_task(true);
}

/* As many references as places, but not of one object: a mask is forgotten, and the task is kept. */
static __always_inline int keep_task_with_mask(bool release)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	if (release)
		bpf_cpumask_release(mask);
	return keep_task(true);
}

SEC("syscall")
int forget_wrong(void *ctx)
{
	return keep_task_with_mask(false);
}

SEC("syscall")
int forget_right(void *ctx)
{
	return keep_task_with_mask(true);
}

LICENSE("Dual MIT/GPL");
