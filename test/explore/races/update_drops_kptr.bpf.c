// SPDX-License-Identifier: MIT
/* bpf_map_update_elem writes the whole value: the mask that another CPU has just put into it is released. */
#include "race.h"

struct domain {
	u32 weight;
	struct bpf_cpumask __kptr *cpus;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct domain);
} domains SEC(".maps");

u32 placed;

SEC("syscall")
int set_up(void *ctx)
{
	struct domain empty = {};
	u32 key = 0;

	return bpf_map_update_elem(&domains, &key, &empty, BPF_ANY);
}

SEC("syscall")
int place(void *ctx)
{
	u32 key = 0;
	struct domain *domain = bpf_map_lookup_elem(&domains, &key);
	struct bpf_cpumask *mask, *old;

	if (!domain)
		return -ENOENT;
	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	old = bpf_kptr_xchg(&domain->cpus, mask);
	if (old)
		bpf_cpumask_release(old);
	placed = 1;
	return 0;
}

SEC("syscall")
int weigh_wrong(void *ctx)
{
	struct domain value = { .weight = 3 };
	u32 key = 0;

	return bpf_map_update_elem(&domains, &key, &value, BPF_ANY);
}

SEC("syscall")
int weigh_right(void *ctx)
{
	u32 key = 0;
	struct domain *domain = bpf_map_lookup_elem(&domains, &key);

	if (domain)
		domain->weight = 3;
	return 0;
}

SEC("syscall")
int check(void *ctx)
{
	u32 key = 0;
	struct domain *domain = bpf_map_lookup_elem(&domains, &key);

	if (!domain)
		return 1;
	return placed && !domain->cpus;
}

LICENSE("Dual MIT/GPL");
