// SPDX-License-Identifier: MIT
/* Masks kept in maps and in global variables: alone, nested, in arrays of one, many and two dimensions. See masks.bpf.c. */
#include "bpf_cpumask.h"

int pid, nr_cpus;
int err;

struct one {
	struct bpf_cpumask __kptr *mask;
};

struct inner {
	int before;
	struct bpf_cpumask __kptr *mask;
	int after;
};

struct outer {
	struct inner in;
	struct {
		u32 n;
		struct inner more[2];
	} deep;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct one);
} by_key SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct outer);
} nested SEC(".maps");

private(MASK) struct bpf_cpumask __kptr *global;
private(MASK) struct bpf_cpumask __kptr *array_one[1];
private(MASK) struct bpf_cpumask __kptr *array[2];
private(MASK) struct bpf_cpumask __kptr *table[2][3];
private(NEST) struct outer tree;

static __always_inline bool ours(void)
{
	return (int)(bpf_get_current_pid_tgid() >> 32) == pid;
}

/* Puts a mask of `cpu` into an empty slot, and looks whether it is there. */
static __always_inline int fill(struct bpf_cpumask **slot, u32 cpu, int base)
{
	struct bpf_cpumask *mask = bpf_cpumask_create(), *seen;
	int ret = 0;

	if (!mask)
		return base + 1;
	bpf_cpumask_set_cpu(cpu, mask);
	mask = bpf_kptr_xchg(slot, mask);
	if (mask) {
		bpf_cpumask_release(mask);
		return base + 2;
	}
	bpf_rcu_read_lock();
	seen = *slot;
	if (!seen)
		ret = base + 3;
	else if (!bpf_cpumask_test_cpu(cpu, view(seen)) || bpf_cpumask_weight(view(seen)) != 1)
		ret = base + 4;
	bpf_rcu_read_unlock();
	return ret;
}

/* Takes the mask out again. */
static __always_inline int drain(struct bpf_cpumask **slot, int base)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(slot, NULL);

	if (!mask)
		return base + 5;
	bpf_cpumask_release(mask);
	return *slot ? base + 6 : 0;
}

SEC("tp_btf/task_newtask")
int map_leave(u64 *ctx)
{
	struct one fresh = {}, *entry;
	u32 key = 3;

	if (!ours())
		return 0;
	if (bpf_map_update_elem(&by_key, &key, &fresh, BPF_ANY)) {
		err = 1;
		return 0;
	}
	entry = bpf_map_lookup_elem(&by_key, &key);
	if (!entry) {
		err = 2;
		return 0;
	}
	err = fill(&entry->mask, nr_cpus - 1, 10);
	return 0;
}

SEC("tp_btf/task_newtask")
int map_replace(u64 *ctx)
{
	struct one fresh = {}, *entry;
	u32 key = 3;

	if (!ours())
		return 0;
	bpf_map_update_elem(&by_key, &key, &fresh, BPF_ANY);
	entry = bpf_map_lookup_elem(&by_key, &key);
	if (!entry) {
		err = 2;
		return 0;
	}
	err = fill(&entry->mask, 0, 20);
	if (err)
		return 0;
	/* overwriting the element destroys the mask in it */
	bpf_map_update_elem(&by_key, &key, &fresh, BPF_EXIST);
	entry = bpf_map_lookup_elem(&by_key, &key);
	if (!entry)
		err = 3;
	else if (entry->mask)
		err = 4;
	if (bpf_map_delete_elem(&by_key, &key))
		err = 5;
	return 0;
}

SEC("tp_btf/task_newtask")
int map_nested(u64 *ctx)
{
	struct outer *entry;
	u32 key = 2;

	if (!ours())
		return 0;
	entry = bpf_map_lookup_elem(&nested, &key);
	if (!entry) {
		err = 1;
		return 0;
	}
	entry->in.before = 1;
	entry->deep.n = 3;
	if ((err = fill(&entry->in.mask, 0, 10)))
		return 0;
	if ((err = fill(&entry->deep.more[0].mask, 1, 20)))
		return 0;
	if ((err = fill(&entry->deep.more[1].mask, nr_cpus - 1, 30)))
		return 0;
	err = drain(&entry->deep.more[0].mask, 40);
	return 0;
}

SEC("tp_btf/task_newtask")
int global_one(u64 *ctx)
{
	if (!ours())
		return 0;
	err = fill(&global, 1, 10);
	return 0;
}

SEC("tp_btf/task_newtask")
int global_arrays(u64 *ctx)
{
	if (!ours())
		return 0;
	if ((err = fill(&array_one[0], 0, 10)))
		return 0;
	if ((err = fill(&array[0], 0, 20)))
		return 0;
	if ((err = fill(&array[1], 1, 30)))
		return 0;
	if ((err = fill(&table[0][2], 0, 40)))
		return 0;
	if ((err = fill(&table[1][0], nr_cpus - 1, 50)))
		return 0;
	err = drain(&array[0], 60);
	return 0;
}

SEC("tp_btf/task_newtask")
int global_tree(u64 *ctx)
{
	if (!ours())
		return 0;
	tree.in.after = 7;
	if ((err = fill(&tree.in.mask, 0, 10)))
		return 0;
	if ((err = fill(&tree.deep.more[1].mask, nr_cpus - 1, 20)))
		return 0;
	err = drain(&tree.in.mask, 30);
	return 0;
}

LICENSE("Dual MIT/GPL");
