// SPDX-License-Identifier: MIT
/* The mask that a timer's callback works on goes away before the timer is cancelled; bpf_timer_cancel waits for a callback that runs. */
#include "deferred.h"

u32 err;

static int tick(void *map, u32 *key, struct tick *tick)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		bpf_cpumask_set_cpu(2, mask);
	else
		err = 1;
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0x1) ?: init_timer(0) ?: start_timer(0, tick, 1000);
}

/* Runs where the timer was started, which it interrupts. */
SEC("syscall")
int look(void *ctx)
{
	struct bpf_cpumask *mask;
	int weight = 0;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask)
		weight = bpf_cpumask_weight(view(mask));
	bpf_rcu_read_unlock();
	return weight;
}

static __always_inline void drop(void)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(&shared, NULL);

	if (mask)
		bpf_cpumask_release(mask);
}

SEC("syscall")
int stop_wrong(void *ctx)
{
	drop();
	return cancel_timer(0);
}

SEC("syscall")
int stop_right(void *ctx)
{
	cancel_timer(0);
	drop();
	return 0;
}

LICENSE("GPL");
