// SPDX-License-Identifier: MIT
/* At most two CPUs may be taken. Counting first and taking then lets two claimers past the same count. */
#include "race.h"

#define LIMIT 2

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1);
}

static __always_inline void take(struct bpf_cpumask *mask, bool again)
{
	u32 cpu;

	if (bpf_cpumask_weight(view(mask)) >= LIMIT)
		return;
	cpu = bpf_cpumask_first_zero(view(mask));
	if (bpf_cpumask_test_and_set_cpu(cpu, mask)) {
		cpu++;
		if (bpf_cpumask_test_and_set_cpu(cpu, mask))
			return;
	}
	/* Whoever went over the limit gives back what it took. */
	if (again && bpf_cpumask_weight(view(mask)) > LIMIT)
		bpf_cpumask_clear_cpu(cpu, mask);
}

SEC("syscall")
int take_wrong(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		take(mask, false);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int take_right(void *ctx)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		take(mask, true);
	bpf_rcu_read_unlock();
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
		wrong = bpf_cpumask_weight(view(mask)) > LIMIT;
	bpf_rcu_read_unlock();
	return wrong;
}

LICENSE("Dual MIT/GPL");
