// SPDX-License-Identifier: MIT
/*
 * CPUs handed out without a lock. A claimer takes the first CPU that is free; test_and_set tells whether it was the one
 * who took it, or somebody else was faster and the next CPU has to be tried.
 */
#include "bpf_cpumask.h"

#define NO_CPU (-1)

/* CPUs to hand out, from 0. */
parameter u32 nr_cpus = 8;

private(CLAIMS) struct bpf_cpumask __kptr *claimed;

/* Who holds which CPU: its pid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u32);
} owners SEC(".maps");

u32 claims, refusals, give_backs;

SEC("syscall")
int set_up(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	put_mask(&claimed, mask);
	return 0;
}

/* Returns the CPU that is ours now, or -1. */
SEC("syscall")
int claim_cpu(void *ctx)
{
	u32 owner = bpf_get_current_pid_tgid();
	struct bpf_cpumask *mask;
	u32 cpu = NO_CPU;

	bpf_rcu_read_lock();
	mask = claimed;
	if (mask) {
		for (u32 try = 0; try < 64; try++) {
			u32 candidate = bpf_cpumask_first_zero(view(mask));

			if (candidate >= nr_cpus)
				break;
			if (bpf_cpumask_test_and_set_cpu(candidate, mask))
				continue;
			/* A machine with fewer CPUs has no bit to set: all of its own are taken. */
			if (bpf_cpumask_test_cpu(candidate, view(mask)))
				cpu = candidate;
			break;
		}
	}
	bpf_rcu_read_unlock();

	if (cpu == NO_CPU) {
		__sync_fetch_and_add(&refusals, 1);
		return NO_CPU;
	}
	__sync_fetch_and_add(&claims, 1);
	bpf_map_update_elem(&owners, &cpu, &owner, BPF_ANY);
	return cpu;
}

struct give_back_request {
	u32 cpu;
};

/* Returns 0, or -EINVAL when the CPU was not claimed. */
SEC("syscall")
int give_back_cpu(struct give_back_request *request)
{
	u32 cpu = request->cpu;
	struct bpf_cpumask *mask;
	bool was_ours = false;

	bpf_map_delete_elem(&owners, &cpu);
	bpf_rcu_read_lock();
	mask = claimed;
	if (mask)
		was_ours = bpf_cpumask_test_and_clear_cpu(cpu, mask);
	bpf_rcu_read_unlock();
	if (!was_ours)
		return -EINVAL;
	__sync_fetch_and_add(&give_backs, 1);
	return 0;
}

LICENSE("Dual MIT/GPL");
