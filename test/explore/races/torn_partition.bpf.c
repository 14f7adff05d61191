// SPDX-License-Identifier: MIT
/* Two masks that add up to all CPUs: who reads them while a CPU moves from one to the other finds it in neither. */
#include "race.h"

private(BUSY) struct bpf_cpumask __kptr *busy;
u32 err;

SEC("syscall")
int set_up(void *ctx)
{
	struct bpf_cpumask *mask = mask_of(0x1);

	if (!mask)
		return -ENOMEM;
	put_mask(&busy, mask);
	return set_up_mask(0x2);
}

SEC("syscall")
int move_wrong(void *ctx)
{
	struct bpf_cpumask *from, *to;

	bpf_rcu_read_lock();
	from = shared;
	to = busy;
	if (from && to) {
		bpf_cpumask_clear_cpu(1, from);
		bpf_cpumask_set_cpu(1, to);
	}
	bpf_rcu_read_unlock();
	return 0;
}

/* In both for a moment, but never in neither. */
SEC("syscall")
int move_right(void *ctx)
{
	struct bpf_cpumask *from, *to;

	bpf_rcu_read_lock();
	from = shared;
	to = busy;
	if (from && to) {
		bpf_cpumask_set_cpu(1, to);
		bpf_cpumask_clear_cpu(1, from);
	}
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int look(void *ctx)
{
	struct bpf_cpumask *from, *to;

	bpf_rcu_read_lock();
	from = shared;
	to = busy;
	if (from && to && !bpf_cpumask_test_cpu(1, view(from)) && !bpf_cpumask_test_cpu(1, view(to)))
		err = 1;
	bpf_rcu_read_unlock();
	return 0;
}

LICENSE("Dual MIT/GPL");
