// SPDX-License-Identifier: MIT
/* Who takes a mask out and puts it back throws away what another CPU has put there meanwhile. */
#include "race.h"

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1);
}

SEC("syscall")
int change_wrong(void *ctx)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(&shared, NULL);

	if (!mask)
		return 0;
	bpf_cpumask_set_cpu(1, mask);
	put_mask(&shared, mask);
	return 0;
}

SEC("syscall")
int change_right(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_set_cpu(1, mask);
	bpf_rcu_read_unlock();
	return 0;
}

/* The new set of CPUs, from now on. */
SEC("syscall")
int replace(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	bpf_cpumask_set_cpu(7, mask);
	put_mask(&shared, mask);
	return 0;
}

SEC("syscall")
int check(void *ctx)
{
	struct bpf_cpumask *mask;
	int wrong = 1;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		wrong = !bpf_cpumask_test_cpu(7, view(mask));
	bpf_rcu_read_unlock();
	return wrong;
}

LICENSE("Dual MIT/GPL");
