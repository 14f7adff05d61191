// SPDX-License-Identifier: MIT
/* An update of a whole element takes its lock only when it is told to: without BPF_F_LOCK it changes what a reader has locked. */
#include "race.h"

static long (*const bpf_spin_lock)(void *lock) = (void *)93;
static long (*const bpf_spin_unlock)(void *lock) = (void *)94;

enum { BPF_F_LOCK = 4 };

struct bpf_spin_lock {
	u32 val;
};

struct range {
	struct bpf_spin_lock lock;
	u32 first, last;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct range);
} ranges SEC(".maps");

u32 err;

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
int look(void *ctx)
{
	u32 key = 0, first, last;
	volatile struct range *range = bpf_map_lookup_elem(&ranges, &key);

	if (!range)
		return 0;
	bpf_spin_lock((void *)&range->lock);
	first = range->first;
	last = range->last;
	bpf_spin_unlock((void *)&range->lock);
	if ((first == 8) != (last == 15))
		err = 1;
	return 0;
}

LICENSE("Dual MIT/GPL");
