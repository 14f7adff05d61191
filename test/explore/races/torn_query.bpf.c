// SPDX-License-Identifier: MIT
/*
 * A query of several words takes them one after the other: a CPU that moves to a word that was looked at is seen nowhere, though the
 * mask is never empty. With both places in one word, the wrong version is right.
 */
#include "race.h"

parameter u32 near = 1;
parameter u32 far = 129;
u32 err;

SEC("syscall")
int set_up(void *ctx)
{
	struct bpf_cpumask *mask = mask_of(0);

	if (!mask)
		return -ENOMEM;
	bpf_cpumask_set_cpu(far, mask);
	put_mask(&shared, mask);
	return 0;
}

SEC("syscall")
int move_wrong(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask) {
		bpf_cpumask_set_cpu(near, mask);
		bpf_cpumask_clear_cpu(far, mask);
	}
	bpf_rcu_read_unlock();
	return 0;
}

/* The mask that is read is not changed, but replaced. */
SEC("syscall")
int move_right(void *ctx)
{
	struct bpf_cpumask *next = mask_of(0);

	if (!next)
		return -ENOMEM;
	bpf_cpumask_set_cpu(near, next);
	put_mask(&shared, next);
	return 0;
}

SEC("syscall")
int look(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask && bpf_cpumask_empty(view(mask)))
		err = 1;
	bpf_rcu_read_unlock();
	return 0;
}

LICENSE("Dual MIT/GPL");
