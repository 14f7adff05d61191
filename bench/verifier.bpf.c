// SPDX-License-Identifier: MIT
/*
 * Three sizes of work for a verifier, by what schedulers do: look up the load of CPUs, keep a few values on the stack, compare,
 * branch, set bits of a mask. The larger ones are loops whose counter matters, so that every round is walked.
 */
#include "bpf_cpumask.h"

#define MAX_CPUS 1024

struct cpu_load {
	u64 load;
	u32 node;
	u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, struct cpu_load);
} loads SEC(".maps");

private(MASK) struct bpf_cpumask __kptr *idle;

u64 totals[64];
u32 threshold = 100;

/* One CPU: its load goes to its node's total; a light one becomes part of the mask. */
static __always_inline int visit(struct bpf_cpumask *mask, u32 cpu, u64 *best)
{
	struct cpu_load *load = bpf_map_lookup_elem(&loads, &cpu);
	u32 node;

	if (!load)
		return -1;
	node = load->node;
	if (node < 64)
		totals[node] += load->load;
	if (load->flags & 1)
		return 0;
	if (load->load < *best)
		*best = load->load;
	if (load->load < threshold)
		bpf_cpumask_set_cpu(cpu, mask);
	else
		bpf_cpumask_clear_cpu(cpu, mask);
	return 0;
}

static __always_inline int visit_all(u32 count)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	u64 best = ~0ULL;

	if (!mask)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < count; cpu++) {
		if (visit(mask, cpu, &best))
			break;
	}
	put_mask(&idle, mask);
	return best < threshold;
}

SEC("syscall")
int small(void *ctx)
{
	return visit_all(2);
}

SEC("syscall")
int medium(void *ctx)
{
	return visit_all(24);
}

SEC("syscall")
int large(void *ctx)
{
	return visit_all(930);
}

char _license[] SEC("license") = "GPL";
