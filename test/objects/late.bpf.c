// SPDX-License-Identifier: MIT
/* A mask that is put into a value after its deletion, and the next value that is made where it was. */
#include "bpf_cpumask.h"

enum { BPF_MAP_TYPE_TASK_STORAGE = 29 };
enum { BPF_F_NO_PREALLOC = 1, BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };

static void *(*const bpf_task_storage_get)(void *map, struct task_struct *task, void *value, u64 flags) = (void *)156;
static long (*const bpf_task_storage_delete)(void *map, struct task_struct *task) = (void *)157;

struct task_info {
	u32 owner;
	struct bpf_cpumask __kptr *allowed;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct task_info);
} elements SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_info);
} storage SEC(".maps");

u32 found;
private(MASK) struct bpf_cpumask __kptr *shared;

static __always_inline int put_late(struct task_info *info)
{
	struct bpf_cpumask *mask = mask_of(1);

	if (!mask)
		return -ENOMEM;
	put_mask(&info->allowed, mask);
	return 0;
}

SEC("syscall")
int hash_put(void *ctx)
{
	struct task_info *info, empty = {};
	u32 key = 1;

	bpf_map_update_elem(&elements, &key, &empty, BPF_ANY);
	info = bpf_map_lookup_elem(&elements, &key);
	if (!info)
		return -ENOENT;
	bpf_map_delete_elem(&elements, &key);
	return put_late(info);
}

/* Every element is deleted, then gets a mask. */
SEC("syscall")
int hash_put_all(void *ctx)
{
	struct task_info empty = {};
	int i;

	for (i = 0; i < 64; i++) {
		u32 key = i;

		bpf_map_update_elem(&elements, &key, &empty, BPF_ANY);
	}
	for (i = 0; i < 64; i++) {
		struct task_info *info;
		u32 key = i;

		info = bpf_map_lookup_elem(&elements, &key);
		if (!info)
			return -ENOENT;
		bpf_map_delete_elem(&elements, &key);
		if (put_late(info))
			return -ENOMEM;
	}
	return 0;
}

/* One of two references goes into the deleted element. */
SEC("syscall")
int hash_share(void *ctx)
{
	struct bpf_cpumask *mask, *second;
	struct task_info *info, empty = {};
	u32 key = 1;

	bpf_map_update_elem(&elements, &key, &empty, BPF_ANY);
	info = bpf_map_lookup_elem(&elements, &key);
	if (!info)
		return -ENOENT;
	mask = mask_of(1);
	if (!mask)
		return -ENOMEM;
	second = bpf_cpumask_acquire(mask);
	put_mask(&shared, mask);
	bpf_map_delete_elem(&elements, &key);
	put_mask(&info->allowed, second);
	return 0;
}

SEC("syscall")
int hash_again(void *ctx)
{
	struct task_info *info, empty = {};
	u32 key = 2;

	bpf_map_update_elem(&elements, &key, &empty, BPF_ANY);
	info = bpf_map_lookup_elem(&elements, &key);
	if (info)
		found = info->allowed != NULL;
	return 0;
}

SEC("syscall")
int storage_put(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_info *info = bpf_task_storage_get(&storage, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!info)
		return -ENOMEM;
	bpf_task_storage_delete(&storage, task);
	return put_late(info);
}

SEC("syscall")
int storage_again(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_info *info = bpf_task_storage_get(&storage, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (info)
		found = info->allowed != NULL;
	return 0;
}

LICENSE("Dual MIT/GPL");
