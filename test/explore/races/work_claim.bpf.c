// SPDX-License-Identifier: MIT
/* A program and the work that it hands on look for a free CPU at the same time, and may both find the same one. */
#include "deferred.h"

u32 claimed;

static __always_inline void claim_seen_free(void)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask && !bpf_cpumask_test_cpu(1, view(mask))) {
		bpf_cpumask_set_cpu(1, mask);
		__sync_fetch_and_add(&claimed, 1);
	}
	bpf_rcu_read_unlock();
}

static __always_inline void claim_atomically(void)
{
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask && !bpf_cpumask_test_and_set_cpu(1, mask))
		__sync_fetch_and_add(&claimed, 1);
	bpf_rcu_read_unlock();
}

static int work_wrong(void *map, int *key, void *value)
{
	claim_seen_free();
	return 0;
}

static int work_right(void *map, int *key, void *value)
{
	claim_atomically();
	return 0;
}

SEC("syscall")
int set_up(void *ctx)
{
	return set_up_mask(0) ?: init_work(0);
}

SEC("syscall")
int claim_wrong(void *ctx)
{
	int err = start_work(0, work_wrong);

	claim_seen_free();
	return err;
}

SEC("syscall")
int claim_right(void *ctx)
{
	int err = start_work(0, work_right);

	claim_atomically();
	return err;
}

SEC("syscall")
int check(void *ctx)
{
	return claimed != 1;
}

LICENSE("GPL");
