// SPDX-License-Identifier: MIT
/* CPUs that claim and give back a bit of their own in the word that all share. */
#include "bpf_cpumask.h"

parameter u32 rounds = 1;
/* How often 16 operations are done in one read section. */
parameter u32 repeats = 1;

private(MASK) struct bpf_cpumask __kptr *shared;

/* Bits that were not as their owner had left them; a line each. */
struct { u64 count, pad[7]; } lost[64];

SEC("syscall") int set_up(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	put_mask(&shared, mask);
	return 0;
}

static long round(u32 i, void *unused)
{
	u32 cpu = bpf_get_smp_processor_id() & 63;
	struct bpf_cpumask *mask;
	u64 wrong = 0;

	bpf_rcu_read_lock();
	mask = shared;
	for (u32 j = 0; mask && j < repeats; j++) {
#pragma unroll
		for (int k = 0; k < 8; k++) {
			wrong += bpf_cpumask_test_and_set_cpu(cpu, mask);
			wrong += !bpf_cpumask_test_and_clear_cpu(cpu, mask);
		}
	}
	bpf_rcu_read_unlock();
	lost[cpu].count += wrong;
	return 0;
}

SEC("syscall") int claim(void *ctx)
{
	return bpf_loop(rounds, round, NULL, 0);
}

LICENSE("Dual MIT/GPL");
