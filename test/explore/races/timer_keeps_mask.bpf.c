// SPDX-License-Identifier: MIT
/*
 * A timer's callback uses a mask that the program which started it has released: it was given the address, and no reference. The
 * verifier refuses it, and is right.
 */
#include "deferred.h"

static int use_address(void *map, u32 *key, struct tick *tick)
{
	bpf_cpumask_set_cpu(2, (struct bpf_cpumask *)tick->address);
	return 0;
}

static int use_reference(void *map, u32 *key, struct tick *tick)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(&tick->mask, NULL);

	if (!mask)
		return 0;
	bpf_cpumask_set_cpu(2, mask);
	bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall")
int set_up(void *ctx)
{
	return init_timer(0);
}

SEC("syscall")
int start_wrong(void *ctx)
{
	struct bpf_cpumask *mask = mask_of(0x1);
	u32 key = 0;
	struct tick *tick = bpf_map_lookup_elem(&ticks, &key);

	if (!mask)
		return -ENOMEM;
	if (tick) {
		tick->address = (u64)mask;
		start_timer(0, use_address, 1000);
	}
	bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall")
int start_right(void *ctx)
{
	struct bpf_cpumask *mask = mask_of(0x1);
	u32 key = 0;
	struct tick *tick = bpf_map_lookup_elem(&ticks, &key);

	if (!mask)
		return -ENOMEM;
	if (tick) {
		put_mask(&tick->mask, bpf_cpumask_acquire(mask));
		start_timer(0, use_reference, 1000);
	}
	bpf_cpumask_release(mask);
	return 0;
}

LICENSE("GPL");
