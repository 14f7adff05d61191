// SPDX-License-Identifier: MIT
/*
 * A program that is attached everywhere but acts only on the CPUs of a policy. The policy is a mask which user space
 * installs through a syscall program: as many bytes as the kernel's masks need, CPU 0 in bit 0 of byte 0.
 */
#include "bpf_cpumask.h"

struct policy_request {
	u64 words[16];
};

/* The policy when nobody sends one: CPUs 4 to 7. */
parameter u64 default_policy = 0xf0;

private(POLICY) struct bpf_cpumask __kptr *policy;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} switches SEC(".maps");

u64 acted, ignored;
u32 policy_weight;
int install_error;

SEC("syscall")
int install_policy(struct policy_request *request)
{
	u64 words[16] = {};
	struct bpf_cpumask *mask;

	__builtin_memcpy(words, request->words, sizeof(words));
	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	install_error = bpf_cpumask_populate((struct cpumask *)mask, words, sizeof(words));
	if (install_error) {
		bpf_cpumask_release(mask);
		return install_error;
	}
	policy_weight = bpf_cpumask_weight(view(mask));
	put_mask(&policy, mask);
	return 0;
}

static __always_inline bool is_ours(u32 cpu)
{
	struct bpf_cpumask *mask = policy;

	/* the slot may be empty, and its mask may be exchanged while we look: RCU keeps the one we have */
	if (!mask)
		return cpu < 64 && (default_policy >> cpu) & 1;
	return bpf_cpumask_test_cpu(cpu, view(mask));
}

SEC("tp_btf/sched_switch")
int count_switch(u64 *ctx)
{
	u32 zero = 0;
	u64 *count;

	if (!is_ours(bpf_get_smp_processor_id())) {
		__sync_fetch_and_add(&ignored, 1);
		return 0;
	}
	__sync_fetch_and_add(&acted, 1);
	count = bpf_map_lookup_elem(&switches, &zero);
	if (count)
		(*count)++;
	return 0;
}

LICENSE("Dual MIT/GPL");
