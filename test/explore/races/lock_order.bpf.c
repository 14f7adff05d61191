// SPDX-License-Identifier: MIT
/* Programs whose result says in which order they took the lock: no race, but a test that every order is tried. */
#include "race.h"

static long (*const bpf_spin_lock)(void *lock) = (void *)93;
static long (*const bpf_spin_unlock)(void *lock) = (void *)94;
void bpf_local_irq_save(unsigned long *flags) __ksym;
void bpf_local_irq_restore(unsigned long *flags) __ksym;

struct bpf_spin_lock {
	u32 val;
};

struct history {
	struct bpf_spin_lock lock;
	u32 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct history);
} histories SEC(".maps");

static __always_inline void add(u32 digit)
{
	u32 key = 0;
	struct history *history = bpf_map_lookup_elem(&histories, &key);

	if (!history)
		return;
	bpf_spin_lock(&history->lock);
	history->value = history->value * 4 + digit;
	bpf_spin_unlock(&history->lock);
}

SEC("syscall")
int locked_a(void *ctx)
{
	add(1);
	add(2);
	return 0;
}

SEC("syscall")
int locked_b(void *ctx)
{
	add(3);
	return 0;
}

/* No interrupt comes between the first two. */
SEC("syscall")
int quiet_a(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	add(1);
	add(2);
	bpf_local_irq_restore(&flags);
	add(1);
	return 0;
}

LICENSE("Dual MIT/GPL");
