// SPDX-License-Identifier: MIT
/* An element of a preallocated hash map is handed out again as soon as it is deleted: who still holds it writes to another's. */
#include "race.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u32);
} owners SEC(".maps");

static __always_inline int own(u32 key, u32 value, u64 flags)
{
	return bpf_map_update_elem(&owners, &key, &value, flags);
}

SEC("syscall")
int set_up(void *ctx)
{
	return own(1, 10, BPF_NOEXIST);
}

SEC("syscall")
int mark_wrong(void *ctx)
{
	u32 key = 1, *owner = bpf_map_lookup_elem(&owners, &key);

	if (owner)
		*(volatile u32 *)owner = 11;
	return 0;
}

SEC("syscall")
int mark_right(void *ctx)
{
	own(1, 11, BPF_EXIST);
	return 0;
}

SEC("syscall")
int replace(void *ctx)
{
	u32 key = 1;

	bpf_map_delete_elem(&owners, &key);
	return own(2, 20, BPF_NOEXIST);
}

SEC("syscall")
int check(void *ctx)
{
	u32 key = 2, *owner = bpf_map_lookup_elem(&owners, &key);

	return !owner || *owner != 20;
}

LICENSE("Dual MIT/GPL");
