// SPDX-License-Identifier: MIT
/* A mask is found under RCU and used after the section: by then it may be gone. The verifier refuses it, and is right. */
#include "race.h"

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1);
}

SEC("syscall")
int read_wrong(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	bpf_rcu_read_unlock();
	return mask ? bpf_cpumask_first(view(mask)) : 0;
}

SEC("syscall")
int read_right(void *ctx)
{
	struct bpf_cpumask *mask;
	int first = 0;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		first = bpf_cpumask_first(view(mask));
	bpf_rcu_read_unlock();
	return first;
}

SEC("syscall")
int drop(void *ctx)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(&shared, NULL);

	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

LICENSE("Dual MIT/GPL");
