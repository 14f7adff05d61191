// SPDX-License-Identifier: MIT
/*
 * Tests as people write them for a kernel: user space sets `pid` and `nr_cpus`, forks, and looks at `err`. 0 is a pass;
 * everything else is the number of the check that failed.
 */
#include "bpf_cpumask.h"

int pid, nr_cpus;
int err;

static __always_inline bool ours(void)
{
	return (int)(bpf_get_current_pid_tgid() >> 32) == pid;
}

static __always_inline struct bpf_cpumask *new_mask(void)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask) {
		err = 1;
		return NULL;
	}
	if (!bpf_cpumask_empty(view(mask))) {
		err = 2;
		bpf_cpumask_release(mask);
		return NULL;
	}
	return mask;
}

#define CHECK(nr, condition) do { if (!(condition)) { err = (nr); goto out; } } while (0)

SEC("tp_btf/task_newtask")
int lifetime(u64 *ctx)
{
	struct bpf_cpumask *mask, *again;

	if (!ours())
		return 0;
	mask = new_mask();
	if (!mask)
		return 0;
	again = bpf_cpumask_acquire(mask);
	bpf_cpumask_release(mask);
	bpf_cpumask_set_cpu(0, again);
	if (!bpf_cpumask_test_cpu(0, view(again)))
		err = 3;
	bpf_cpumask_release(again);
	return 0;
}

SEC("tp_btf/task_newtask")
int bits(u64 *ctx)
{
	struct bpf_cpumask *mask;

	if (!ours())
		return 0;
	mask = new_mask();
	if (!mask)
		return 0;
	CHECK(10, !bpf_cpumask_test_cpu(0, view(mask)));
	bpf_cpumask_set_cpu(0, mask);
	CHECK(11, bpf_cpumask_test_cpu(0, view(mask)));
	CHECK(12, !bpf_cpumask_test_cpu(1, view(mask)));
	CHECK(13, !bpf_cpumask_test_and_set_cpu(1, mask));
	CHECK(14, bpf_cpumask_test_and_set_cpu(1, mask));
	CHECK(15, bpf_cpumask_test_and_clear_cpu(0, mask));
	CHECK(16, !bpf_cpumask_test_and_clear_cpu(0, mask));
	bpf_cpumask_clear_cpu(1, mask);
	CHECK(17, bpf_cpumask_empty(view(mask)));
	/* CPUs that the machine does not have are left alone */
	bpf_cpumask_set_cpu(nr_cpus, mask);
	CHECK(18, bpf_cpumask_empty(view(mask)));
	CHECK(19, !bpf_cpumask_test_cpu(nr_cpus, view(mask)));
	CHECK(20, !bpf_cpumask_test_and_set_cpu(-1, mask));
	bpf_cpumask_set_cpu(nr_cpus - 1, mask);
	CHECK(21, bpf_cpumask_first(view(mask)) == nr_cpus - 1);
	CHECK(22, bpf_cpumask_weight(view(mask)) == 1);
out:
	bpf_cpumask_release(mask);
	return 0;
}

SEC("tp_btf/task_newtask")
int whole(u64 *ctx)
{
	struct bpf_cpumask *mask;

	if (!ours())
		return 0;
	mask = new_mask();
	if (!mask)
		return 0;
	bpf_cpumask_setall(mask);
	CHECK(30, bpf_cpumask_full(view(mask)));
	CHECK(31, bpf_cpumask_weight(view(mask)) == nr_cpus);
	CHECK(32, bpf_cpumask_first(view(mask)) == 0);
	CHECK(33, bpf_cpumask_first_zero(view(mask)) >= nr_cpus);
	bpf_cpumask_clear_cpu(nr_cpus - 1, mask);
	CHECK(34, !bpf_cpumask_full(view(mask)));
	CHECK(35, bpf_cpumask_first_zero(view(mask)) == nr_cpus - 1);
	bpf_cpumask_clear(mask);
	CHECK(36, bpf_cpumask_empty(view(mask)));
	CHECK(37, bpf_cpumask_first(view(mask)) >= nr_cpus);
	CHECK(38, bpf_cpumask_first_zero(view(mask)) == 0);
	CHECK(39, bpf_cpumask_any_distribute(view(mask)) >= nr_cpus);
out:
	bpf_cpumask_release(mask);
	return 0;
}

SEC("tp_btf/task_newtask")
int algebra(u64 *ctx)
{
	struct bpf_cpumask *a, *b, *c;

	if (!ours())
		return 0;
	a = new_mask();
	if (!a)
		return 0;
	b = new_mask();
	if (!b) {
		bpf_cpumask_release(a);
		return 0;
	}
	c = new_mask();
	if (!c) {
		bpf_cpumask_release(a);
		bpf_cpumask_release(b);
		return 0;
	}
	bpf_cpumask_set_cpu(0, a);
	bpf_cpumask_set_cpu(nr_cpus - 1, b);
	CHECK(40, !bpf_cpumask_and(c, view(a), view(b)));
	CHECK(41, bpf_cpumask_empty(view(c)));
	CHECK(42, !bpf_cpumask_intersects(view(a), view(b)));
	bpf_cpumask_or(c, view(a), view(b));
	CHECK(43, bpf_cpumask_weight(view(c)) == 2);
	CHECK(44, bpf_cpumask_subset(view(a), view(c)));
	CHECK(45, !bpf_cpumask_subset(view(c), view(a)));
	CHECK(46, bpf_cpumask_first_and(view(b), view(c)) == nr_cpus - 1);
	bpf_cpumask_xor(c, view(c), view(b));
	CHECK(47, bpf_cpumask_equal(view(c), view(a)));
	bpf_cpumask_copy(c, view(b));
	CHECK(48, bpf_cpumask_equal(view(c), view(b)));
	CHECK(49, bpf_cpumask_any_distribute(view(c)) == nr_cpus - 1);
	CHECK(50, bpf_cpumask_any_and_distribute(view(b), view(c)) == nr_cpus - 1);
out:
	bpf_cpumask_release(a);
	bpf_cpumask_release(b);
	bpf_cpumask_release(c);
	return 0;
}

SEC("tp_btf/task_newtask")
int of_task(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct bpf_cpumask *mask;

	if (!ours())
		return 0;
	mask = new_mask();
	if (!mask)
		return 0;
	bpf_cpumask_copy(mask, task->cpus_ptr);
	CHECK(60, bpf_cpumask_equal(view(mask), task->cpus_ptr));
	CHECK(61, bpf_cpumask_weight(view(mask)) == task->nr_cpus_allowed);
	CHECK(62, bpf_cpumask_test_cpu(bpf_get_smp_processor_id(), view(mask)));
	CHECK(63, bpf_cpumask_weight(task->cpus_ptr) <= nr_cpus);
out:
	bpf_cpumask_release(mask);
	return 0;
}

u64 words[128];

SEC("tp_btf/task_newtask")
int populate(u64 *ctx)
{
	struct bpf_cpumask *mask;

	if (!ours())
		return 0;
	mask = new_mask();
	if (!mask)
		return 0;
	words[0] = 1;
	CHECK(70, bpf_cpumask_populate((struct cpumask *)mask, words, 1) == -13);
	CHECK(71, bpf_cpumask_empty(view(mask)));
	CHECK(72, bpf_cpumask_populate((struct cpumask *)mask, words, sizeof(words)) == 0);
	CHECK(73, bpf_cpumask_first(view(mask)) == 0);
	CHECK(74, bpf_cpumask_weight(view(mask)) == 1);
	words[0] = 0;
	words[((u32)(nr_cpus - 1) / 64) & 127] |= 1ULL << ((u32)(nr_cpus - 1) % 64);
	CHECK(75, bpf_cpumask_populate((struct cpumask *)mask, words, sizeof(words)) == 0);
	CHECK(76, bpf_cpumask_first(view(mask)) == nr_cpus - 1);
out:
	bpf_cpumask_release(mask);
	return 0;
}

LICENSE("Dual MIT/GPL");
