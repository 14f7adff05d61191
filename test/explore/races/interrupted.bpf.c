// SPDX-License-Identifier: MIT
/* Per-CPU data needs no lock against other CPUs, but it does against interrupts of its own. */
#include "race.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} picks SEC(".maps");

void bpf_local_irq_save(unsigned long *flags) __ksym;
void bpf_local_irq_restore(unsigned long *flags) __ksym;

static __always_inline void pick(void)
{
	u32 key = 0;
	volatile u64 *count = bpf_map_lookup_elem(&picks, &key);

	if (count)
		*count += 1;
}

SEC("syscall")
int pick_wrong(void *ctx)
{
	pick();
	return 0;
}

SEC("syscall")
int pick_right(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	pick();
	bpf_local_irq_restore(&flags);
	return 0;
}

/* Runs as an interrupt. */
SEC("syscall")
int irq(void *ctx)
{
	pick();
	return 0;
}

SEC("syscall")
int check(void *ctx)
{
	u32 key = 0;
	u64 *count = bpf_map_lookup_elem(&picks, &key);

	return !count || *count != 2;
}

LICENSE("Dual MIT/GPL");
