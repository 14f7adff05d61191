// SPDX-License-Identifier: MIT
/* What exploration has to say something of besides races: waiting, input, locks the wrong way round, and an error path that leaks. */
#include "races/race.h"

static long (*const bpf_spin_lock)(void *lock) = (void *)93;
static long (*const bpf_spin_unlock)(void *lock) = (void *)94;

struct bpf_spin_lock {
	u32 val;
};

struct guarded {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct guarded);
} locks SEC(".maps");

u64 flag;

SEC("syscall")
int wait_flag(void *ctx)
{
	for (int i = 0; i < 20000; i++) {
		if (*(volatile u64 *)&flag)
			return 0;
	}
	return 1;
}

SEC("syscall")
int set_flag(void *ctx)
{
	*(volatile u64 *)&flag = 1;
	return 0;
}

SEC("syscall")
int set_from(struct { u64 value; } *ctx)
{
	flag = ctx->value;
	return 0;
}

static __always_inline int both(u32 first, u32 second)
{
	struct guarded *a = bpf_map_lookup_elem(&locks, &first), *b = bpf_map_lookup_elem(&locks, &second);

	if (!a || !b)
		return 0;
	bpf_spin_lock(&a->lock);
	bpf_spin_lock(&b->lock);
	bpf_spin_unlock(&b->lock);
	bpf_spin_unlock(&a->lock);
	return 0;
}

/* The verifier refuses both: no program may hold two locks. */
SEC("syscall")
int lock_up(void *ctx)
{
	return both(0, 1);
}

SEC("syscall")
int lock_down(void *ctx)
{
	return both(1, 0);
}

/* The verifier refuses it: where the second mask is not made, the first is forgotten. */
SEC("syscall")
int pair(void *ctx)
{
	struct bpf_cpumask *first = bpf_cpumask_create(), *second;

	if (!first)
		return -ENOMEM;
	second = bpf_cpumask_create();
	if (!second)
		return -ENOMEM;
	bpf_cpumask_release(second);
	bpf_cpumask_release(first);
	return 0;
}

/* Waits for a grace period in the sense that it gives one something to do. */
SEC("syscall")
int replace(void *ctx)
{
	return set_up_mask(2);
}

LICENSE("Dual MIT/GPL");
