/* SPDX-License-Identifier: MIT */
/* First and last CPU of a range, which belong together, and the lock that keeps them so. */
#ifndef RANGE_H
#define RANGE_H

#include "race.h"

static long (*const bpf_spin_lock)(void *lock) = (void *)93;
static long (*const bpf_spin_unlock)(void *lock) = (void *)94;

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

static __always_inline void look(volatile struct range *range)
{
	u32 first = range->first, last = range->last;

	if ((first == 8) != (last == 15))
		err = 1;
}

#endif
