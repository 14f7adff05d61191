// SPDX-License-Identifier: MIT
/* The path that nobody tests: the CPU is claimed, then there is no memory, and the claim stays behind. */
#include "race.h"

private(NOTE) struct bpf_cpumask __kptr *note;

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0);
}

static __always_inline int claim(bool careful)
{
	struct bpf_cpumask *mask, *mine;
	bool won = false;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		won = !bpf_cpumask_test_and_set_cpu(0, mask);
	bpf_rcu_read_unlock();
	if (!won)
		return -EBUSY;
	mine = bpf_cpumask_create();
	if (!mine) {
		if (careful) {
			bpf_rcu_read_lock();
			mask = shared;
			if (mask)
				bpf_cpumask_clear_cpu(0, mask);
			bpf_rcu_read_unlock();
		}
		return -ENOMEM;
	}
	put_mask(&note, mine);
	return 0;
}

SEC("syscall")
int claim_wrong(void *ctx)
{
	return claim(false);
}

SEC("syscall")
int claim_right(void *ctx)
{
	return claim(true);
}

/* Claimed if and only if there is a note of it. */
SEC("syscall")
int check(void *ctx)
{
	struct bpf_cpumask *mask;
	int wrong = 1;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		wrong = bpf_cpumask_test_cpu(0, view(mask)) != !!note;
	bpf_rcu_read_unlock();
	return wrong;
}

LICENSE("Dual MIT/GPL");
