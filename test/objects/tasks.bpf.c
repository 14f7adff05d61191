// SPDX-License-Identifier: MIT
/* Tasks as the kernel hands them out: acquired, kept in maps, followed under RCU, walked, and the masks that they trust. */
#include "common.h"

int pid, nr_cpus;
int err;
/* In memory, not in registers: the verifier would tell each count of a loop from the next. */
int met, total;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___kin {
	int pid;
	int tgid;
	struct task_struct___kin *real_parent;
	struct task_struct___kin *group_leader;
	const cpumask_t *cpus_ptr;
	cpumask_t cpus_mask;
};
#pragma clang attribute pop

struct task_struct *bpf_task_from_vpid(s32 vpid) __ksym;

struct held {
	u32 before;
	struct task_struct __kptr *task;
	struct {
		struct task_struct __kptr *other;
		struct task_struct __kptr_untrusted *weak;
	} in;
};

#define MAP(name, kind, entries)                                                                                       \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_##kind);                                                                     \
		__uint(max_entries, entries);                                                                          \
		__type(key, int);                                                                                      \
		__type(value, struct held);                                                                            \
	} name SEC(".maps")
MAP(by_pid, HASH, 8);
MAP(recent, LRU_HASH, 8);
MAP(slots, ARRAY, 2);
MAP(each, PERCPU_ARRAY, 1);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct held);
} lazy SEC(".maps");

struct noted {
	struct bpf_cpumask __kptr *mask;
	u64 times;
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct noted);
} notes SEC(".maps");

private(TASK) struct task_struct __kptr *global;

#define NEWTASK(name) SEC("tp_btf/task_newtask") int name(u64 *ctx)
#define TASK ((struct task_struct *)ctx[0])

static __always_inline bool ours(void)
{
	return (int)(bpf_get_current_pid_tgid() >> 32) == pid;
}

NEWTASK(task_acquire_release)
{
	struct task_struct *got, *twice;

	if (!ours())
		return 0;
	got = bpf_task_acquire(TASK);
	if (!got) {
		err = 1;
		return 0;
	}
	twice = bpf_task_acquire(got);
	if (!twice)
		err = 2;
	else
		bpf_task_release(twice);
	if (got->pid != TASK->pid)
		err = 3;
	bpf_task_release(got);
	return 0;
}

NEWTASK(task_acquire_current)
{
	struct task_struct *me = bpf_get_current_task_btf(), *got;

	if (!ours())
		return 0;
	got = bpf_task_acquire(me);
	if (!got) {
		err = 1;
		return 0;
	}
	if (got->tgid != pid || got != me)
		err = 2;
	bpf_task_release(got);
	return 0;
}

NEWTASK(task_by_number)
{
	struct task_struct *got;

	if (!ours())
		return 0;
	got = bpf_task_from_pid(pid);
	if (!got) {
		err = 1;
		return 0;
	}
	if (got->pid != pid)
		err = 2;
	bpf_task_release(got);
	got = bpf_task_from_vpid(pid);
	if (!got) {
		err = 3;
		return 0;
	}
	if (got->pid != pid)
		err = 4;
	bpf_task_release(got);
	got = bpf_task_from_pid(-1);
	if (got) {
		err = 5;
		bpf_task_release(got);
	}
	return 0;
}

/* Into a slot, looked at there under RCU, and out again. */
static __always_inline int keep(struct task_struct *task, struct task_struct **slot, int base)
{
	struct task_struct *got = bpf_task_acquire(task), *seen;
	int ret = 0;

	if (!got)
		return base + 1;
	got = bpf_kptr_xchg(slot, got);
	if (got) {
		bpf_task_release(got);
		return base + 2;
	}
	bpf_rcu_read_lock();
	seen = *slot;
	if (!seen) {
		ret = base + 3;
	} else {
		struct task_struct *again = bpf_task_acquire(seen);

		if (!again)
			ret = base + 4;
		else
			bpf_task_release(again);
		if (seen->pid != task->pid)
			ret = base + 5;
	}
	bpf_rcu_read_unlock();
	return ret;
}

static __always_inline int take(struct task_struct **slot, int base)
{
	struct task_struct *got = bpf_kptr_xchg(slot, NULL);

	if (!got)
		return base + 6;
	bpf_task_release(got);
	return 0;
}

static __always_inline int in_map(struct task_struct *task, void *map, int key, bool is_array)
{
	struct held *held, empty = {};
	int ret;

	if (!is_array && bpf_map_update_elem(map, &key, &empty, BPF_NOEXIST))
		return 1;
	held = bpf_map_lookup_elem(map, &key);
	if (!held)
		return 2;
	ret = keep(task, &held->task, 10);
	if (!ret)
		ret = keep(task, &held->in.other, 20);
	if (!ret)
		ret = take(&held->task, 10);
	held->in.weak = task;
	if (!held->in.weak)
		ret = 40;
	held->in.weak = NULL;
	/* The other one is left: deleting it, or freeing the map, gives it back. */
	if (!ret && !is_array && bpf_map_delete_elem(map, &key))
		return 3;
	return ret;
}

#define IN_MAP(map, key, is_array)                                                                                     \
	NEWTASK(task_in_##map)                                                                                         \
	{                                                                                                              \
		if (ours())                                                                                            \
			err = in_map(TASK, &map, key, is_array);                                                       \
		return 0;                                                                                              \
	}
IN_MAP(by_pid, TASK->pid, false)
IN_MAP(recent, TASK->pid, false)
IN_MAP(lazy, TASK->pid, false)
IN_MAP(slots, 1, true)
IN_MAP(each, 0, true)

NEWTASK(task_in_global)
{
	if (!ours())
		return 0;
	err = keep(TASK, &global, 0);
	if (!err)
		err = take(&global, 0);
	return 0;
}

/* An update over an element with a task in it gives the task back. */
NEWTASK(task_overwritten)
{
	struct held *held, empty = {};
	int key = 7;

	if (!ours())
		return 0;
	if (bpf_map_update_elem(&lazy, &key, &empty, BPF_ANY) || !(held = bpf_map_lookup_elem(&lazy, &key))) {
		err = 1;
		return 0;
	}
	err = keep(TASK, &held->task, 10);
	if (!err && bpf_map_update_elem(&lazy, &key, &empty, BPF_EXIST))
		err = 2;
	held = bpf_map_lookup_elem(&lazy, &key);
	if (!held)
		err = 3;
	else if (held->task)
		err = 4;
	if (!err && bpf_map_delete_elem(&lazy, &key))
		err = 5;
	return 0;
}

/* Pointers of a trusted task are trusted: no read section is needed. */
NEWTASK(masks_of_trusted_task)
{
	struct task_struct___kin *task = (void *)TASK;
	const struct cpumask *mask;

	if (!ours())
		return 0;
	mask = task->cpus_ptr;
	if (!bpf_cpumask_test_cpu(0, mask) || bpf_cpumask_first(mask) != 0)
		err = 1;
	if (bpf_cpumask_weight(mask) != nr_cpus || !bpf_cpumask_full(mask))
		err = 2;
	if (bpf_cpumask_test_cpu(nr_cpus, mask) || bpf_cpumask_first_zero(mask) < nr_cpus)
		err = 3;
	if (!bpf_cpumask_equal(mask, &task->cpus_mask) || !bpf_cpumask_subset(&task->cpus_mask, mask))
		err = 4;
	return 0;
}

NEWTASK(kin_under_rcu)
{
	struct task_struct___kin *task = (void *)TASK, *parent, *leader;

	if (!ours())
		return 0;
	bpf_rcu_read_lock();
	parent = task->real_parent;
	leader = task->group_leader;
	if (!parent || !leader)
		err = 1;
	else if (!bpf_cpumask_test_cpu(0, parent->cpus_ptr))
		err = 2;
	bpf_rcu_read_unlock();
	return 0;
}

NEWTASK(note_in_storage)
{
	struct bpf_cpumask *mask;
	struct noted *note;

	if (!ours())
		return 0;
	note = bpf_task_storage_get(&notes, TASK, NULL, 0);
	if (note) {
		err = 1;
		return 0;
	}
	note = bpf_task_storage_get(&notes, TASK, NULL, 1);
	if (!note) {
		err = 2;
		return 0;
	}
	mask = bpf_cpumask_create();
	if (!mask) {
		err = 3;
		return 0;
	}
	bpf_cpumask_copy(mask, TASK->cpus_ptr);
	put_mask(&note->mask, mask);
	note->times++;
	note = bpf_task_storage_get(&notes, TASK, NULL, 0);
	if (!note || note->times != 1 || !note->mask)
		err = 4;
	else if (bpf_cpumask_weight(view(note->mask)) != nr_cpus)
		err = 5;
	return 0;
}

/* Every task is met once, and the current one is among them. */
SEC("syscall")
int walk_tasks(void *ctx)
{
	struct task_struct *me = bpf_get_current_task_btf(), *task;
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	while ((task = bpf_iter_task_next(&it))) {
		total++;
		if (task->pid == me->tgid)
			met++;
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	if (met != 1 || total < met)
		err = 1;
	return 0;
}

LICENSE("GPL");
