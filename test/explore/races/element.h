/* SPDX-License-Identifier: MIT */
/* A hash map whose elements hold masks, and are deleted while others hold them. */
#ifndef ELEMENT_H
#define ELEMENT_H

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

/* `checked`: when the element was deleted before the mask was in it, nobody else takes it out again. */
static __always_inline void put_into(struct task_info *info, u32 key, struct bpf_cpumask *mask, bool checked)
{
	put_mask(&info->allowed, mask);
	if (!checked || bpf_map_lookup_elem(&tasks, &key) == info)
		return;
	mask = bpf_kptr_xchg(&info->allowed, NULL);
	if (mask)
		bpf_cpumask_release(mask);
}

SEC("syscall")
int set_up(void *ctx)
{
	return insert(1);
}

SEC("syscall")
int remove(void *ctx)
{
	u32 key = 1;

	bpf_map_delete_elem(&tasks, &key);
	return 0;
}

#endif
