// SPDX-License-Identifier: MIT
/*
 * A mask of several words is copied word by word: who reads it meanwhile finds CPUs of the new mask in one word and those of the old
 * one in the next. The two CPUs always come together; with both in one word, the wrong version is right.
 */
#include "race.h"

parameter u32 near = 1;
parameter u32 far = 129;
u32 err;

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0);
}

static __always_inline struct bpf_cpumask *both(void)
{
	struct bpf_cpumask *mask = mask_of(0);

	if (mask) {
		bpf_cpumask_set_cpu(near, mask);
		bpf_cpumask_set_cpu(far, mask);
	}
	return mask;
}

SEC("syscall")
int change_wrong(void *ctx)
{
	struct bpf_cpumask *next = both(), *mask;

	if (!next)
		return -ENOMEM;
	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_copy(mask, view(next));
	bpf_rcu_read_unlock();
	bpf_cpumask_release(next);
	return 0;
}

/* The mask that is read is not changed, but replaced. */
SEC("syscall")
int change_right(void *ctx)
{
	struct bpf_cpumask *next = both();

	if (!next)
		return -ENOMEM;
	put_mask(&shared, next);
	return 0;
}

SEC("syscall")
int look(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask && bpf_cpumask_test_cpu(near, view(mask)) && !bpf_cpumask_test_cpu(far, view(mask)))
		err = 1;
	bpf_rcu_read_unlock();
	return 0;
}

LICENSE("Dual MIT/GPL");
