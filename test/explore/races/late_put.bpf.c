// SPDX-License-Identifier: MIT
/*
 * A mask is put into an element that another CPU has deleted meanwhile. Nobody finds it there: kernels without a destructor of
 * map elements never release it, and whoever is given the element next finds somebody else's mask in it.
 */
#include "element.h"

static __always_inline int put(bool checked)
{
	u32 key = 1;
	struct task_info *info = bpf_map_lookup_elem(&tasks, &key);
	struct bpf_cpumask *mask;

	if (!info)
		return 0;
	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	put_into(info, key, mask, checked);
	return 0;
}

SEC("syscall")
int put_wrong(void *ctx)
{
	return put(false);
}

SEC("syscall")
int put_right(void *ctx)
{
	return put(true);
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
