// SPDX-License-Identifier: MIT
/* What random programs (random_programs.ts) are put into: the slot, and every kfunc that they call. */
#include "race.h"

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1);
}

SEC("syscall")
int kfuncs(void *ctx)
{
	struct bpf_cpumask *mask = mask_of(0);
	u32 seen;

	if (!mask)
		return -ENOMEM;
	bpf_cpumask_clear_cpu(0, mask);
	bpf_cpumask_setall(mask);
	bpf_cpumask_and(mask, view(mask), view(mask));
	bpf_cpumask_or(mask, view(mask), view(mask));
	bpf_cpumask_xor(mask, view(mask), view(mask));
	bpf_cpumask_copy(mask, view(mask));
	seen = bpf_cpumask_weight(view(mask)) + bpf_cpumask_first(view(mask)) + bpf_cpumask_empty(view(mask));
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_cpumask_release(mask);
	return seen;
}

LICENSE("Dual MIT/GPL");
