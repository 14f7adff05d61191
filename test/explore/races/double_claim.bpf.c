// SPDX-License-Identifier: MIT
/* A CPU is looked at, found free, and taken, in two steps: two claimers may both find it free. */
#include "race.h"

u32 claimed, denied;

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0);
}

static __always_inline void count(bool got_it)
{
	__sync_fetch_and_add(got_it ? &claimed : &denied, 1);
}

SEC("syscall")
int claim_wrong(void *ctx)
{
	struct bpf_cpumask *mask;
	bool mine = false;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask && !bpf_cpumask_test_cpu(1, view(mask))) {
		bpf_cpumask_set_cpu(1, mask);
		mine = true;
	}
	bpf_rcu_read_unlock();
	count(mine);
	return 0;
}

SEC("syscall")
int claim_right(void *ctx)
{
	struct bpf_cpumask *mask;
	bool mine = false;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		mine = !bpf_cpumask_test_and_set_cpu(1, mask);
	bpf_rcu_read_unlock();
	count(mine);
	return 0;
}

SEC("syscall")
int check(void *ctx)
{
	return claimed != 1;
}

LICENSE("Dual MIT/GPL");
