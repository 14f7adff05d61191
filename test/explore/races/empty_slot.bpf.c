// SPDX-License-Identifier: MIT
/* A mask is taken out of its slot to be changed; who comes meanwhile finds the slot empty, and must expect that. */
#include "race.h"

u32 err, skipped;

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x3);
}

SEC("syscall")
int change(void *ctx)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(&shared, NULL);

	if (!mask)
		return -ENOENT;
	bpf_cpumask_set_cpu(2, mask);
	put_mask(&shared, mask);
	return 0;
}

SEC("syscall")
int read_wrong(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (!mask)
		err = 1;
	else if (bpf_cpumask_empty(view(mask)))
		err = 2;
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int read_right(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (!mask)
		skipped++;
	else if (bpf_cpumask_empty(view(mask)))
		err = 2;
	bpf_rcu_read_unlock();
	return 0;
}

LICENSE("Dual MIT/GPL");
