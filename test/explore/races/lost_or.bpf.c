// SPDX-License-Identifier: MIT
/* bpf_cpumask_or on a mask that another CPU sets bits of: what was set between its read and its write is gone. */
#include "race.h"

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1);
}

SEC("syscall")
int add_wrong(void *ctx)
{
	struct bpf_cpumask *more = mask_of(0x6), *mask;

	if (!more)
		return -ENOMEM;
	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_or(mask, view(mask), view(more));
	bpf_rcu_read_unlock();
	bpf_cpumask_release(more);
	return 0;
}

SEC("syscall")
int add_right(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask) {
		bpf_cpumask_set_cpu(1, mask);
		bpf_cpumask_set_cpu(2, mask);
	}
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int set_one(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_set_cpu(3, mask);
	bpf_rcu_read_unlock();
	return 0;
}

LICENSE("Dual MIT/GPL");
