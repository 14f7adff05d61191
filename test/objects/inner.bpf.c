// SPDX-License-Identifier: MIT
/* Maps of maps: an array of hash maps whose values keep masks, a hash map of arrays, slots that stay empty. See masks.bpf.c. */
#include "bpf_cpumask.h"

#define __array(name, type) typeof(type) *name[]

enum { BPF_MAP_TYPE_ARRAY_OF_MAPS = 12, BPF_MAP_TYPE_HASH_OF_MAPS = 13 };

int pid, nr_cpus;
int err;

struct kept {
	u64 tag;
	struct bpf_cpumask __kptr *mask;
};

struct by_node {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct kept);
} node0 SEC(".maps"), node2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, u32);
	__array(values, struct by_node);
} nodes SEC(".maps") = {
	.values = { [0] = &node0, [2] = &node2 },
};

struct counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u64);
} even SEC(".maps"), odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, u32);
	__array(values, struct counts);
} parity SEC(".maps") = {
	.values = { [4] = &even, [5] = &odd },
};

static __always_inline bool ours(void)
{
	return (int)(bpf_get_current_pid_tgid() >> 32) == pid;
}

/* Keeps a mask of one CPU in the map of that node: 0, or where it went wrong. */
static __always_inline int keep(u32 node, u32 key, u32 cpu)
{
	struct kept fresh = { .tag = cpu }, *entry;
	struct bpf_cpumask *mask;
	void *inner = bpf_map_lookup_elem(&nodes, &node);

	if (!inner)
		return 1;
	if (bpf_map_update_elem(inner, &key, &fresh, BPF_NOEXIST))
		return 2;
	entry = bpf_map_lookup_elem(inner, &key);
	if (!entry)
		return 3;
	mask = bpf_cpumask_create();
	if (!mask)
		return 4;
	bpf_cpumask_set_cpu(cpu, mask);
	mask = bpf_kptr_xchg(&entry->mask, mask);
	if (!mask)
		return 0;
	bpf_cpumask_release(mask);
	return 5;
}

SEC("tp_btf/task_newtask")
int keep_masks(u64 *ctx)
{
	if (!ours())
		return 0;
	err = keep(0, 7, 0);
	if (!err)
		err = 10 * keep(2, 7, nr_cpus - 1);
	if (!err && keep(1, 7, 0) != 1)
		err = 100;
	if (!err && keep(4, 7, 0) != 1)
		err = 101;
	return 0;
}

SEC("tp_btf/task_newtask")
int drop_masks(u64 *ctx)
{
	u32 node = 2, key = 7;
	void *inner;

	if (!ours())
		return 0;
	inner = bpf_map_lookup_elem(&nodes, &node);
	if (!inner)
		err = 1;
	else if (bpf_map_delete_elem(inner, &key))
		err = 2;
	else if (bpf_map_lookup_elem(inner, &key))
		err = 3;
	return 0;
}

/* Adds to the last number of the array of that parity; what it is then, 0 when there is none. */
static __always_inline u64 add(u32 which)
{
	u32 slot = 2;
	void *inner = bpf_map_lookup_elem(&parity, &which);
	u64 *n = inner ? bpf_map_lookup_elem(inner, &slot) : NULL;

	return n ? *n += which : 0;
}

SEC("syscall")
int count(void *ctx)
{
	return add(3) + add(4) + 100 * add(5) + add(6);
}

LICENSE("Dual MIT/GPL");
