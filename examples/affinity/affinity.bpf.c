// SPDX-License-Identifier: MIT
/*
 * Where may each task run? Every new task's allowed CPUs go into a hash map, as a mask that the map owns; what is left of
 * them when some CPUs are kept for others goes beside it.
 */
#include "bpf_cpumask.h"

/* CPUs that tasks should leave alone, one bit each: CPUs 0 and 1. */
parameter u64 reserved = 0x3;

struct affinity {
	struct bpf_cpumask __kptr *allowed;
	struct bpf_cpumask __kptr *unreserved;
	u32 nr_allowed;
	u32 first_choice;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, int);
	__type(value, struct affinity);
} tasks SEC(".maps");

/* CPUs that at least one recorded task may use. */
private(MASK) struct bpf_cpumask __kptr *in_use;

int recorded;
int failed;

static __always_inline int add_to_union(const struct cpumask *mask)
{
	struct bpf_cpumask *sum = bpf_cpumask_create(), *old;

	if (!sum)
		return -ENOMEM;
	bpf_cpumask_copy(sum, mask);
	old = bpf_kptr_xchg(&in_use, NULL);
	if (old) {
		bpf_cpumask_or(sum, view(sum), view(old));
		bpf_cpumask_release(old);
	}
	put_mask(&in_use, sum);
	return 0;
}

static __always_inline int record(struct task_struct *task)
{
	struct bpf_cpumask *allowed, *unreserved;
	struct affinity fresh = {}, *entry;
	int pid = task->pid;

	if (bpf_map_update_elem(&tasks, &pid, &fresh, BPF_NOEXIST))
		return -EEXIST;
	entry = bpf_map_lookup_elem(&tasks, &pid);
	if (!entry)
		return -ENOENT;

	allowed = bpf_cpumask_create();
	if (!allowed)
		return -ENOMEM;
	bpf_cpumask_copy(allowed, task->cpus_ptr);
	unreserved = mask_of(reserved);
	if (!unreserved) {
		bpf_cpumask_release(allowed);
		return -ENOMEM;
	}
	/* allowed and not reserved: there is no andnot, but xor with the common part is the same */
	bpf_cpumask_and(unreserved, view(unreserved), view(allowed));
	bpf_cpumask_xor(unreserved, view(unreserved), view(allowed));

	entry->nr_allowed = bpf_cpumask_weight(view(allowed));
	entry->first_choice = bpf_cpumask_first(view(unreserved));
	__builtin_memcpy(entry->comm, task->comm, sizeof(entry->comm));

	put_mask(&entry->allowed, allowed);
	put_mask(&entry->unreserved, unreserved);
	return add_to_union(task->cpus_ptr);
}

SEC("tp_btf/task_newtask")
int record_new_task(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	if (record(task))
		failed++;
	else
		recorded++;
	return 0;
}

LICENSE("Dual MIT/GPL");
