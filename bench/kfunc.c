// SPDX-License-Identifier: MIT
/*
 * What the cpumask kfuncs do, as plain C functions, called eight times a round as bench/kfunc.bpf.c does:
 *   gcc -O2 kfunc.c && ./a.out CPUS NR_CPUS ROUNDS
 * prints "name nanoseconds-of-a-run sum" for each, the median of some runs.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned int u32;
typedef unsigned long u64;

struct mask {
	u64 bits[128];
	int usage;
};

static u32 nr_cpu_ids, nr_cpus, prev;

/* Called, and told nothing of its callers: as a kernel function is. */
#define FUNCTION __attribute__((noipa)) static

#define WORDS ((nr_cpu_ids + 63) / 64)
#define LAST (~0ul >> (-nr_cpu_ids & 63))

#define SEARCH(name, params, word) \
	FUNCTION u32 name params \
	{ \
		for (u32 i = 0; i < WORDS; i++) { \
			u64 w = word; \
			if (w) { \
				u32 at = i * 64 + __builtin_ctzl(w); \
				return at < nr_cpu_ids ? at : nr_cpu_ids; \
			} \
		} \
		return nr_cpu_ids; \
	}
SEARCH(first, (const struct mask *a), a->bits[i])
SEARCH(first_zero, (const struct mask *a), ~a->bits[i])
SEARCH(first_and, (const struct mask *a, const struct mask *b), a->bits[i] & b->bits[i])

FUNCTION void set_cpu(u32 cpu, struct mask *m)
{
	if (cpu < nr_cpu_ids)
		__atomic_fetch_or(&m->bits[cpu / 64], 1ul << (cpu & 63), __ATOMIC_SEQ_CST);
}

FUNCTION void clear_cpu(u32 cpu, struct mask *m)
{
	if (cpu < nr_cpu_ids)
		__atomic_fetch_and(&m->bits[cpu / 64], ~(1ul << (cpu & 63)), __ATOMIC_SEQ_CST);
}

FUNCTION bool test_cpu(u32 cpu, const struct mask *m)
{
	return cpu < nr_cpu_ids && (m->bits[cpu / 64] >> (cpu & 63)) & 1;
}

FUNCTION bool test_and_set_cpu(u32 cpu, struct mask *m)
{
	u64 bit = 1ul << (cpu & 63);

	return cpu < nr_cpu_ids && __atomic_fetch_or(&m->bits[cpu / 64], bit, __ATOMIC_SEQ_CST) & bit;
}

FUNCTION bool test_and_clear_cpu(u32 cpu, struct mask *m)
{
	u64 bit = 1ul << (cpu & 63);

	return cpu < nr_cpu_ids && __atomic_fetch_and(&m->bits[cpu / 64], ~bit, __ATOMIC_SEQ_CST) & bit;
}

FUNCTION void setall(struct mask *m)
{
	memset(m->bits, 0xff, WORDS * 8);
}

FUNCTION void clear(struct mask *m)
{
	memset(m->bits, 0, (nr_cpus + 63) / 64 * 8);
}

FUNCTION void copy(struct mask *d, const struct mask *a)
{
	memcpy(d->bits, a->bits, (nr_cpus + 63) / 64 * 8);
}

FUNCTION bool and(struct mask *d, const struct mask *a, const struct mask *b)
{
	u64 any = 0;
	u32 last = WORDS - 1;

	for (u32 i = 0; i < last; i++)
		any |= d->bits[i] = a->bits[i] & b->bits[i];
	any |= d->bits[last] = a->bits[last] & b->bits[last] & LAST;
	return any != 0;
}

#define COMBINE(name, op) \
	FUNCTION void name(struct mask *d, const struct mask *a, const struct mask *b) \
	{ \
		for (u32 i = 0; i < WORDS; i++) \
			d->bits[i] = a->bits[i] op b->bits[i]; \
	}
COMBINE(or, |)
COMBINE(xor, ^)

#define QUERY(name, word) \
	FUNCTION bool name(const struct mask *a, const struct mask *b) \
	{ \
		u32 last = WORDS - 1, i = 0; \
		for (; i < last; i++) \
			if (word) \
				return true; \
		return ((word) & LAST) != 0; \
	}
QUERY(differ, a->bits[i] ^ b->bits[i])
QUERY(intersects, a->bits[i] & b->bits[i])
QUERY(exceeds, a->bits[i] & ~b->bits[i])
#define is_empty(a) (first(a) == nr_cpu_ids)
#define is_full(a) (first_zero(a) == nr_cpu_ids)

FUNCTION u32 weight(const struct mask *a)
{
	u32 last = WORDS - 1, count = 0;

	for (u32 i = 0; i < last; i++)
		count += __builtin_popcountl(a->bits[i]);
	return count + __builtin_popcountl(a->bits[last] & LAST);
}

#define NEXT(name, params, word) \
	static inline u32 name##_from(u32 start, u32 end, params) \
	{ \
		if (start >= end) \
			return end; \
		u32 i = start / 64; \
		u64 w = (word) & (~0ul << (start & 63)); \
		while (!w) { \
			if (++i * 64 >= end) \
				return end; \
			w = word; \
		} \
		u32 at = i * 64 + __builtin_ctzl(w); \
		return at < end ? at : end; \
	}
#define ONE const struct mask *a
#define TWO const struct mask *a, const struct mask *b
#define ARGUMENTS(...) __VA_ARGS__
#define DISTRIBUTE(name, ...) \
	{ \
		u32 start = prev + 1, at = name##_from(start, nr_cpu_ids, __VA_ARGS__); \
		if (at >= nr_cpu_ids) { \
			at = name##_from(0, start, __VA_ARGS__); \
			if (at >= start) \
				at = nr_cpu_ids; \
		} \
		if (at < nr_cpu_ids) \
			prev = at; \
		return at; \
	}
NEXT(any, ARGUMENTS(ONE), a->bits[i])
NEXT(any_and, ARGUMENTS(TWO), a->bits[i] & b->bits[i])
FUNCTION u32 any_distribute(ONE) DISTRIBUTE(any, a)
FUNCTION u32 any_and_distribute(TWO) DISTRIBUTE(any_and, a, b)

FUNCTION int populate(struct mask *m, const void *src, u64 size)
{
	if (size < WORDS * 8)
		return -13;
	memcpy(m->bits, src, WORDS * 8);
	return 0;
}

FUNCTION struct mask *acquire(struct mask *m)
{
	if (__atomic_fetch_add(&m->usage, 1, __ATOMIC_SEQ_CST) <= 0)
		abort();
	return m;
}

FUNCTION void release(struct mask *m)
{
	if (__atomic_fetch_sub(&m->usage, 1, __ATOMIC_SEQ_CST) == 1)
		free(m);
}

enum contents { SAME, DISJOINT, EMPTY, FULL };

static struct mask a_, b_, d_;
static char words[1024];

static void fill(struct mask *m, enum contents contents)
{
	memset(m, 0, sizeof(*m));
	m->usage = 1;
	if (contents == FULL)
		setall(m);
	if (contents == EMPTY || contents == FULL)
		return;
	for (u32 cpu = nr_cpu_ids / 2 + (contents == DISJOINT); cpu < nr_cpu_ids; cpu += 3)
		set_cpu(cpu, m);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

#define EIGHT(call) call; call; call; call; call; call; call; call;
#define RUNS 15

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define BENCH(name, contents, call) \
	__attribute__((noinline)) static void bench_##name(u32 rounds) \
	{ \
		double times[RUNS]; \
		u64 sum = 0; \
\
		for (int run = 0; run < RUNS; run++) { \
			struct mask *a = &a_, *b = &b_, *d = &d_; \
			u32 cpu = 0, cpus = nr_cpu_ids; \
\
			sum = 0; \
			fill(a, SAME); \
			fill(b, contents); \
			fill(d, EMPTY); \
			double begin = now(); \
			for (u32 i = 0; i < rounds; i++) { \
				asm volatile("" : "+r"(a), "+r"(b), "+r"(d), "+r"(sum)); \
				cpu = (cpu + 7) & (cpus - 1); \
				sum += cpu; \
				EIGHT(call) \
			} \
			times[run] = now() - begin; \
			sum += weight(a) + weight(b) + weight(d); \
		} \
		qsort(times, RUNS, sizeof(times[0]), compare); \
		printf("%s %.1f %lu\n", #name, times[RUNS / 2], sum); \
	}
#define ROWS \
	BENCH(empty, SAME, ) \
	BENCH(acquire_release, SAME, release(acquire(a))) \
	BENCH(first, SAME, sum += first(a)) \
	BENCH(first_zero, FULL, sum += first_zero(b)) \
	BENCH(first_and, SAME, sum += first_and(a, b)) \
	BENCH(set_cpu, SAME, set_cpu(cpu, d)) \
	BENCH(clear_cpu, SAME, clear_cpu(cpu, b)) \
	BENCH(test_cpu, SAME, sum += test_cpu(cpu, a)) \
	BENCH(test_and_set_cpu, SAME, sum += test_and_set_cpu(cpu, d)) \
	BENCH(test_and_clear_cpu, SAME, sum += test_and_clear_cpu(cpu, b)) \
	BENCH(setall, SAME, setall(d)) \
	BENCH(clear, SAME, clear(b)) \
	BENCH(and, SAME, sum += and(d, a, b)) \
	BENCH(or, DISJOINT, or(d, a, b)) \
	BENCH(xor, DISJOINT, xor(d, a, b)) \
	BENCH(equal, SAME, sum += !differ(a, b)) \
	BENCH(intersects, DISJOINT, sum += intersects(a, b)) \
	BENCH(subset, SAME, sum += !exceeds(a, b)) \
	BENCH(is_empty, EMPTY, sum += is_empty(b)) \
	BENCH(is_full, FULL, sum += is_full(b)) \
	BENCH(copy, SAME, copy(d, a)) \
	BENCH(any_distribute, SAME, sum += any_distribute(a)) \
	BENCH(any_and_distribute, SAME, sum += any_and_distribute(a, b)) \
	BENCH(weight, SAME, sum += weight(a)) \
	BENCH(populate, SAME, sum += populate(d, words, sizeof(words)))
ROWS
#undef BENCH
#define BENCH(name, contents, call) bench_##name(rounds);

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	nr_cpu_ids = strtoul(argv[1], NULL, 10);
	nr_cpus = strtoul(argv[2], NULL, 10);
	u32 rounds = strtoul(argv[3], NULL, 10);

	ROWS
	return 0;
}
