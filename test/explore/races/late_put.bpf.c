// SPDX-License-Identifier: MIT
/*
 * A mask is put into an element that another CPU has deleted meanwhile. Nobody finds it there: kernels without a destructor of
 * map elements never release it, and whoever is given the element next finds somebody else's mask in it.
 */
#include "race.h"

struct task_info {
	u32 owner;
	struct bpf_cpumask __kptr *allowed;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct task_info);
} tasks SEC(".maps");

static __always_inline long insert(u32 key)
{
	struct task_info info = { .owner = key };

	return bpf_map_update_elem(&tasks, &key, &info, BPF_ANY);
}

SEC("syscall")
int set_up(void *ctx)
{
	return insert(1);
}

SEC("syscall")
int put_wrong(void *ctx)
{
	u32 key = 1;
	struct task_info *info = bpf_map_lookup_elem(&tasks, &key);
	struct bpf_cpumask *mask;

	if (!info)
		return 0;
	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	put_mask(&info->allowed, mask);
	return 0;
}

SEC("syscall")
int put_right(void *ctx)
{
	u32 key = 1;
	struct task_info *info = bpf_map_lookup_elem(&tasks, &key);
	struct bpf_cpumask *mask;

	if (!info)
		return 0;
	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	put_mask(&info->allowed, mask);
	/* Deleted before the mask was in it? Then nobody else takes it out again. */
	if (bpf_map_lookup_elem(&tasks, &key) == info)
		return 0;
	mask = bpf_kptr_xchg(&info->allowed, NULL);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall")
int remove(void *ctx)
{
	u32 key = 1;

	bpf_map_delete_elem(&tasks, &key);
	return 0;
}

SEC("syscall")
int replace(void *ctx)
{
	u32 key = 1;

	bpf_map_delete_elem(&tasks, &key);
	return insert(2) ? -ENOMEM : 0;
}

SEC("syscall")
int check(void *ctx)
{
	u32 key = 2;
	struct task_info *info = bpf_map_lookup_elem(&tasks, &key);

	return info && info->allowed;
}

LICENSE("Dual MIT/GPL");
