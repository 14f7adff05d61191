// SPDX-License-Identifier: MIT
/*
 * Which CPU should a waking task go to? One that does housekeeping or is free for all, is not isolated, is not busier than
 * others, and is allowed for the task; in turn, so that the load spreads.
 */
#include "bpf_cpumask.h"

#define MAX_CPUS 64

/* One bit a CPU. */
parameter u64 housekeeping_cpus = 0x3f;
parameter u64 isolated_cpus = 0x0c;
/* A CPU that was picked this often more than the least picked one is busy. */
parameter u32 slack = 2;
/* CPUs of the machine that are looked at. */
parameter u32 nr_cpus = 8;

private(MASKS) struct bpf_cpumask __kptr *usable;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, u32);
} picks SEC(".maps");

u32 last_pick = -1;
u32 no_choice;

/* usable = housekeeping and not isolated */
SEC("syscall")
int set_up(void *ctx)
{
	struct bpf_cpumask *isolated, *mask = mask_of(housekeeping_cpus);

	if (!mask)
		return -ENOMEM;
	isolated = mask_of(isolated_cpus);
	if (!isolated) {
		bpf_cpumask_release(mask);
		return -ENOMEM;
	}
	bpf_cpumask_and(isolated, view(isolated), view(mask));
	bpf_cpumask_xor(mask, view(mask), view(isolated));
	bpf_cpumask_release(isolated);
	put_mask(&usable, mask);
	return 0;
}


static __always_inline u32 *picked(u32 cpu)
{
	return bpf_map_lookup_elem(&picks, &cpu);
}

/* The CPUs of `usable` that are not busy. */
static __always_inline struct bpf_cpumask *not_busy(const struct cpumask *among)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	u32 least = -1;

	if (!mask)
		return NULL;
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < nr_cpus; cpu++) {
		u32 *n = picked(cpu);

		if (n && bpf_cpumask_test_cpu(cpu, among) && *n < least)
			least = *n;
	}
	for (u32 cpu = 0; cpu < MAX_CPUS && cpu < nr_cpus; cpu++) {
		u32 *n = picked(cpu);

		if (n && *n - least < slack && bpf_cpumask_test_cpu(cpu, among))
			bpf_cpumask_set_cpu(cpu, mask);
	}
	return mask;
}

SEC("tp_btf/sched_wakeup")
int pick_cpu(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct bpf_cpumask *idle, *all = usable;
	u32 cpu, *n;

	if (!all)
		return 0;
	idle = not_busy(view(all));
	if (!idle)
		return 0;
	cpu = bpf_cpumask_any_and_distribute(view(idle), task->cpus_ptr);
	bpf_cpumask_release(idle);
	n = picked(cpu);
	if (n && cpu < nr_cpus) {
		__sync_fetch_and_add(n, 1);
		last_pick = cpu;
	} else {
		no_choice++;
	}
	return 0;
}

LICENSE("Dual MIT/GPL");
