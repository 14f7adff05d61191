// SPDX-License-Identifier: MIT
/* An update of a whole element takes its lock only when it is told to: without BPF_F_LOCK it changes what a reader has locked. */
#include "range.h"

enum { BPF_F_LOCK = 4 };

static __always_inline int move(u64 flags)
{
	struct range moved = { .first = 8, .last = 15 };
	u32 key = 0;

	return bpf_map_update_elem(&ranges, &key, &moved, flags);
}

SEC("syscall")
int move_wrong(void *ctx)
{
	return move(BPF_ANY);
}

SEC("syscall")
int move_right(void *ctx)
{
	return move(BPF_F_LOCK);
}

SEC("syscall")
int read_locked(void *ctx)
{
	u32 key = 0;
	struct range *range = bpf_map_lookup_elem(&ranges, &key);

	if (!range)
		return 0;
	bpf_spin_lock(&range->lock);
	look(range);
	bpf_spin_unlock(&range->lock);
	return 0;
}

LICENSE("Dual MIT/GPL");
