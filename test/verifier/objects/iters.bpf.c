// SPDX-License-Identifier: MIT
// Open-coded iterators, RCU regions, tasks, preemption and interrupts.
#include "common.h"

struct slot { struct task_struct __kptr *task; struct bpf_cpumask __kptr *mask; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

u64 sum;
int table[16];
private(M) struct bpf_cpumask __kptr *global_mask;

static __always_inline struct slot *slot_at(u32 key) { return bpf_map_lookup_elem(&slots, &key); }

SEC("syscall") int num_sum(void *ctx)
{
	struct bpf_iter_num it;
	int *v;

	bpf_iter_num_new(&it, 0, 100);
	while ((v = bpf_iter_num_next(&it)))
		sum += *v;
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("syscall") int num_not_destroyed(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 100);
	return 0;
}

SEC("syscall") int num_not_new(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int num_new_twice(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 100);
	bpf_iter_num_new(&it, 0, 100);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int num_destroyed_twice(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 100);
	bpf_iter_num_destroy(&it);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int num_unchecked(void *ctx)
{
	struct bpf_iter_num it;
	int v;

	bpf_iter_num_new(&it, 0, 100);
	v = *bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return v;
}

SEC("syscall") int num_written_over(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 100);
	*(volatile u64 *)&it = 1;
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int num_read_directly(void *ctx)
{
	struct bpf_iter_num it;
	u64 n;

	bpf_iter_num_new(&it, 0, 100);
	n = *(volatile u64 *)&it;
	bpf_iter_num_destroy(&it);
	return n;
}

SEC("syscall") int num_in_global(void *ctx)
{
	bpf_iter_num_new((void *)&sum, 0, 100);
	return 0;
}

SEC("syscall") int num_index_checked(void *ctx)
{
	struct bpf_iter_num it;
	int *v;

	bpf_iter_num_new(&it, 0, 100);
	while ((v = bpf_iter_num_next(&it))) {
		u32 i = *v;

		if (i < 16)
			sum += table[i];
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int num_index_unchecked(void *ctx)
{
	struct bpf_iter_num it;
	int *v;

	bpf_iter_num_new(&it, 0, 16);
	while ((v = bpf_iter_num_next(&it))) {
		u64 i = *(u32 *)v;

		barrier_var(i);
		sum += table[i];
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int num_leaks_in_loop(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it))
		bpf_cpumask_create();
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int num_break(void *ctx)
{
	struct bpf_iter_num it;
	int *v;

	bpf_iter_num_new(&it, 0, 100);
	while ((v = bpf_iter_num_next(&it)))
		if (*v > 7)
			break;
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall") int bits_of_mask(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	struct bpf_iter_bits it;
	int *bit;

	if (!mask)
		return 0;
	bpf_cpumask_set_cpu(1, mask);
	bpf_iter_bits_new(&it, (const u64 *)mask->cpumask.bits, 1);
	while ((bit = bpf_iter_bits_next(&it)))
		sum += *bit;
	bpf_iter_bits_destroy(&it);
	bpf_cpumask_release(mask);
	return sum;
}

SEC("tp_btf/task_newtask") int tasks_in_tp(u64 *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *p;

	bpf_iter_task_new(&it, NULL, 0);
	while ((p = bpf_iter_task_next(&it)))
		sum += p->pid;
	bpf_iter_task_destroy(&it);
	return 0;
}

SEC("syscall") int tasks_without_rcu(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *p;

	bpf_iter_task_new(&it, NULL, 0);
	while ((p = bpf_iter_task_next(&it)))
		sum += p->pid;
	bpf_iter_task_destroy(&it);
	return 0;
}

SEC("syscall") int tasks_with_rcu(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *p;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	while ((p = bpf_iter_task_next(&it)))
		sum += bpf_cpumask_weight(p->cpus_ptr);
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") int tasks_unlocked_inside(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *p;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	bpf_rcu_read_unlock();
	while ((p = bpf_iter_task_next(&it)))
		sum += p->pid;
	bpf_iter_task_destroy(&it);
	return 0;
}

SEC("syscall") int from_pid(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	sum = bpf_cpumask_first(p->cpus_ptr);
	bpf_task_release(p);
	return 0;
}

SEC("syscall") int from_pid_unchecked(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	bpf_task_release(p);
	return 0;
}

SEC("syscall") int from_pid_leaks(void *ctx)
{
	return bpf_task_from_pid(1) != NULL;
}

SEC("syscall") int from_pid_used_after(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	bpf_task_release(p);
	return p->pid;
}

SEC("tp_btf/task_newtask") int task_into_slot(u64 *ctx)
{
	struct task_struct *p = bpf_task_acquire((void *)ctx[0]), *old;
	struct slot *s = slot_at(0);

	if (!p)
		return 0;
	if (!s) {
		bpf_task_release(p);
		return 0;
	}
	old = bpf_kptr_xchg(&s->task, p);
	if (old)
		bpf_task_release(old);
	return 0;
}

SEC("tp_btf/task_newtask") int task_not_acquired_into_slot(u64 *ctx)
{
	struct slot *s = slot_at(0);
	struct task_struct *old;

	if (!s)
		return 0;
	old = bpf_kptr_xchg(&s->task, (void *)ctx[0]);
	if (old)
		bpf_task_release(old);
	return 0;
}

SEC("tp_btf/task_newtask") int mask_into_task_slot(u64 *ctx)
{
	struct slot *s = slot_at(0);
	struct bpf_cpumask *m = bpf_cpumask_create();
	void *old;

	if (!m)
		return 0;
	if (!s) {
		bpf_cpumask_release(m);
		return 0;
	}
	old = bpf_kptr_xchg(&s->task, m);
	if (old)
		bpf_task_release(old);
	return 0;
}

SEC("tp_btf/task_newtask") int task_from_slot_acquired(u64 *ctx)
{
	struct slot *s = slot_at(0);
	struct task_struct *p;

	if (!s)
		return 0;
	p = s->task;
	if (!p)
		return 0;
	p = bpf_task_acquire(p);
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int task_from_slot_released(u64 *ctx)
{
	struct slot *s = slot_at(0);
	struct task_struct *p;

	if (!s)
		return 0;
	p = s->task;
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask") int slot_written_directly(u64 *ctx)
{
	struct slot *s = slot_at(0);

	if (s)
		*(volatile u64 *)&s->mask = 0;
	return 0;
}

SEC("tp_btf/task_newtask") int slot_read_narrow(u64 *ctx)
{
	struct slot *s = slot_at(0);

	return s ? *(volatile u32 *)&s->mask : 0;
}

SEC("tp_btf/task_newtask") int slot_read_between(u64 *ctx)
{
	struct slot *s = slot_at(0);

	return s ? *(volatile u64 *)((void *)s + 4) : 0;
}

SEC("syscall") int kptr_without_rcu(void *ctx)
{
	struct bpf_cpumask *m = global_mask;

	return m ? bpf_cpumask_weight(view(m)) : 0;
}

SEC("syscall") int kptr_acquired_under_rcu(void *ctx)
{
	struct bpf_cpumask *m;
	int w = 0;

	bpf_rcu_read_lock();
	m = global_mask;
	if (m)
		m = bpf_cpumask_acquire(m);
	bpf_rcu_read_unlock();
	if (m) {
		w = bpf_cpumask_weight(view(m));
		bpf_cpumask_release(m);
	}
	return w;
}

SEC("syscall") int rcu_not_unlocked(void *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("syscall") int rcu_unlock_only(void *ctx)
{
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") int preempt_balanced(void *ctx)
{
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable();
	return 0;
}

SEC("syscall") int preempt_left(void *ctx)
{
	bpf_preempt_disable();
	return 0;
}

SEC("syscall") int preempt_enable_only(void *ctx)
{
	bpf_preempt_enable();
	return 0;
}

SEC("syscall") int irq_balanced(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") int irq_left(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	return 0;
}

SEC("syscall") int irq_order(void *ctx)
{
	unsigned long one, two;

	bpf_local_irq_save(&one);
	bpf_local_irq_save(&two);
	bpf_local_irq_restore(&one);
	bpf_local_irq_restore(&two);
	return 0;
}

SEC("syscall") int irq_saved_twice(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") int irq_not_saved(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") int irq_written_over(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	*(volatile u64 *)&flags = 0;
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") int thrown_with_reference(void *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_throw(1);
	bpf_cpumask_release(m);
	return 0;
}

SEC("syscall") int thrown(void *ctx)
{
	if (sum)
		bpf_throw(1);
	return 0;
}

LICENSE("GPL");
