// SPDX-License-Identifier: MIT
/* First and last CPU of a range belong together: without the lock a reader sees one of the old range and one of the new. */
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

static __always_inline void move(volatile struct range *range)
{
	range->first = 8;
	range->last = 15;
}

static __always_inline void look(volatile struct range *range)
{
	u32 first = range->first, last = range->last;

	if ((first == 8) != (last == 15))
		err = 1;
}

#define PROGRAM(name, body, locked)						\
SEC("syscall")									\
int name(void *ctx)								\
{										\
	u32 key = 0;								\
	struct range *range = bpf_map_lookup_elem(&ranges, &key);		\
										\
	if (!range)								\
		return 0;							\
	if (locked)								\
		bpf_spin_lock(&range->lock);					\
	body(range);								\
	if (locked)								\
		bpf_spin_unlock(&range->lock);					\
	return 0;								\
}

PROGRAM(move_wrong, move, false)
PROGRAM(look_wrong, look, false)
PROGRAM(move_right, move, true)
PROGRAM(look_right, look, true)

LICENSE("Dual MIT/GPL");
