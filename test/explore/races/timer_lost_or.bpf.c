// SPDX-License-Identifier: MIT
/* A timer interrupts bpf_cpumask_or on the CPU that started it: what its callback sets between the read and the write is gone. */
#include "deferred.h"

static int tick(void *map, u32 *key, struct tick *tick)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_set_cpu(3, mask);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1) ?: init_timer(0);
}

SEC("syscall")
int add_wrong(void *ctx)
{
	struct bpf_cpumask *more = mask_of(0x6), *mask;
	int err;

	if (!more)
		return -ENOMEM;
	err = start_timer(0, tick, 1000);
	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_or(mask, view(mask), view(more));
	bpf_rcu_read_unlock();
	bpf_cpumask_release(more);
	return err;
}

/* Interrupts are off while it is read and written. */
SEC("syscall")
int add_right(void *ctx)
{
	struct bpf_cpumask *more = mask_of(0x6), *mask;
	unsigned long flags;
	int err;

	if (!more)
		return -ENOMEM;
	err = start_timer(0, tick, 1000);
	bpf_rcu_read_lock();
	mask = shared;
	bpf_local_irq_save(&flags);
	if (mask)
		bpf_cpumask_or(mask, view(mask), view(more));
	bpf_local_irq_restore(&flags);
	bpf_rcu_read_unlock();
	bpf_cpumask_release(more);
	return err;
}

LICENSE("GPL");
