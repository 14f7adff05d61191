// SPDX-License-Identifier: MIT
/* A mask is put where others find it before its CPUs are set. */
#include "race.h"

u32 err;

SEC("syscall")
int publish_wrong(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create(), *found;

	if (!mask)
		return -ENOMEM;
	put_mask(&shared, mask);
	bpf_rcu_read_lock();
	found = shared;
	if (found)
		bpf_cpumask_set_cpu(2, found);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int publish_right(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	bpf_cpumask_set_cpu(2, mask);
	put_mask(&shared, mask);
	return 0;
}

SEC("syscall")
int pick(void *ctx)
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
