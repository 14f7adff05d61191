// SPDX-License-Identifier: MIT
/* First and last CPU of a range belong together: without the lock a reader sees one of the old range and one of the new. */
#include "range.h"

static __always_inline void move(volatile struct range *range)
{
	range->first = 8;
	range->last = 15;
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
