/* SPDX-License-Identifier: MIT */
/*
 * Races and lifetime bugs of programs that share CPU masks, one a file: `set_up` runs once, then `*_wrong` on two CPUs at a
 * time, which goes wrong in some order, or `*_right`, which must not; `check` says at the end whether all is well (0).
 */
#ifndef RACE_H
#define RACE_H

#include "bpf_cpumask.h"

enum { BPF_F_NO_PREALLOC = 1 };

private(MASK) struct bpf_cpumask __kptr *shared;

static __always_inline int set_up_mask(u64 bits)
{
	struct bpf_cpumask *mask = mask_of(bits);

	if (!mask)
		return -ENOMEM;
	put_mask(&shared, mask);
	return 0;
}

#endif
