// SPDX-License-Identifier: MIT
/* A mask that a map still points to is released: others find it there. The verifier refuses this too. */
#include "race.h"

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1);
}

SEC("syscall")
int drop_wrong(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	bpf_rcu_read_unlock();
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall")
int drop_right(void *ctx)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(&shared, NULL);

	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall")
int use(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_set_cpu(1, mask);
	bpf_rcu_read_unlock();
	return 0;
}

LICENSE("Dual MIT/GPL");
