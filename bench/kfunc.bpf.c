// SPDX-License-Identifier: MIT
/*
 * Every cpumask kfunc in a loop, eight calls a round; `empty` is the loop without one. Programs get three masks: a, with every
 * third CPU of the upper half; b, whose contents differ; and d, which is written. bench/kfunc.c does the same without a kernel.
 */
#include "bpf_cpumask.h"

struct bench {
	u32 rounds;
	/* A power of two. */
	u32 cpus;
	u64 sum;
};

enum contents { SAME, DISJOINT, EMPTY, FULL };

/* The verifier walks such a loop once or twice, however often it runs. */
#define can_go_on ({ \
	bool go_on = true; \
	asm volatile goto("may_goto %l[over]" :::: over); \
	goto on; \
over: \
	go_on = false; \
on: \
	go_on; \
})

static __always_inline void fill(struct bpf_cpumask *mask, u32 cpus, enum contents contents)
{
	if (contents == EMPTY)
		return;
	if (contents == FULL) {
		bpf_cpumask_setall(mask);
		return;
	}
	/* Masked, so that the verifier knows as much of it every time round. */
	for (u32 cpu = ((cpus >> 1) + (contents == DISJOINT)) & 0x3fff; cpu < cpus && can_go_on; cpu = (cpu + 3) & 0x3fff)
		bpf_cpumask_set_cpu(cpu, mask);
}

#define EIGHT(call) call; call; call; call; call; call; call; call;

#define BENCH(name, contents, call) \
	SEC("syscall") int name(struct bench *bench) \
	{ \
		u32 rounds = bench->rounds, cpus = bench->cpus, cpu = 0; \
		struct bpf_cpumask *a = bpf_cpumask_create(), *b = bpf_cpumask_create(), *d = bpf_cpumask_create(); \
		u64 sum = 0; \
\
		if (a && b && d) { \
			fill(a, cpus, SAME); \
			fill(b, cpus, contents); \
			for (u32 i = 0; i < rounds && can_go_on; i++) { \
				cpu = (cpu + 7) & (cpus - 1); \
				sum += cpu; \
				EIGHT(call) \
			} \
			sum += bpf_cpumask_weight(view(a)) + bpf_cpumask_weight(view(b)) + bpf_cpumask_weight(view(d)); \
		} \
		if (a) \
			bpf_cpumask_release(a); \
		if (b) \
			bpf_cpumask_release(b); \
		if (d) \
			bpf_cpumask_release(d); \
		bench->sum = sum; \
		return 0; \
	}

char words[1024];

#define OWN_REFERENCE \
	{ \
		struct bpf_cpumask *m = bpf_cpumask_create(); \
		if (m) \
			bpf_cpumask_release(m); \
	}

BENCH(empty, SAME, )
BENCH(create_release, SAME, OWN_REFERENCE)
BENCH(acquire_release, SAME, bpf_cpumask_release(bpf_cpumask_acquire(a)))
BENCH(first, SAME, sum += bpf_cpumask_first(view(a)))
BENCH(first_zero, FULL, sum += bpf_cpumask_first_zero(view(b)))
BENCH(first_and, SAME, sum += bpf_cpumask_first_and(view(a), view(b)))
BENCH(set_cpu, SAME, bpf_cpumask_set_cpu(cpu, d))
BENCH(clear_cpu, SAME, bpf_cpumask_clear_cpu(cpu, b))
BENCH(test_cpu, SAME, sum += bpf_cpumask_test_cpu(cpu, view(a)))
BENCH(test_and_set_cpu, SAME, sum += bpf_cpumask_test_and_set_cpu(cpu, d))
BENCH(test_and_clear_cpu, SAME, sum += bpf_cpumask_test_and_clear_cpu(cpu, b))
BENCH(setall, SAME, bpf_cpumask_setall(d))
BENCH(clear, SAME, bpf_cpumask_clear(b))
BENCH(and, SAME, sum += bpf_cpumask_and(d, view(a), view(b)))
BENCH(or, DISJOINT, bpf_cpumask_or(d, view(a), view(b)))
BENCH(xor, DISJOINT, bpf_cpumask_xor(d, view(a), view(b)))
BENCH(equal, SAME, sum += bpf_cpumask_equal(view(a), view(b)))
BENCH(intersects, DISJOINT, sum += bpf_cpumask_intersects(view(a), view(b)))
BENCH(subset, SAME, sum += bpf_cpumask_subset(view(a), view(b)))
BENCH(is_empty, EMPTY, sum += bpf_cpumask_empty(view(b)))
BENCH(is_full, FULL, sum += bpf_cpumask_full(view(b)))
BENCH(copy, SAME, bpf_cpumask_copy(d, view(a)))
BENCH(any_distribute, SAME, sum += bpf_cpumask_any_distribute(view(a)))
BENCH(any_and_distribute, SAME, sum += bpf_cpumask_any_and_distribute(view(a), view(b)))
BENCH(weight, SAME, sum += bpf_cpumask_weight(view(a)))
BENCH(populate, SAME, sum += bpf_cpumask_populate((struct cpumask *)d, words, sizeof(words)))

LICENSE("GPL");
