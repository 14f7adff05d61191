// SPDX-License-Identifier: MIT
/*
 * Executes one stream of operations on cpumasks and notes every result: what `capture` and `replay --engine live` run on the
 * live kernel. An operation names up to three slots; a slot holds one reference, as a kptr of the array map `slots`.
 */
#include "bpf_cpumask.h"

#define MAX_OPS 1024
#define SLOTS 8
#define MAX_WORDS 128
#define MAX_SOURCE 2048

enum kind {
	FIRST = 1, FIRST_ZERO, WEIGHT, EMPTY, FULL, ANY_DISTRIBUTE,
	FIRST_AND, EQUAL, INTERSECTS, SUBSET, ANY_AND_DISTRIBUTE,
	SETALL, CLEAR, COPY, OR, XOR, AND,
	TEST_CPU, SET_CPU, CLEAR_CPU, TEST_AND_SET_CPU, TEST_AND_CLEAR_CPU, POPULATE,
	DUMP, CREATE, ACQUIRE, RELEASE, XCHG,
};
enum { NOTHING = 0, DONE = 1, LIFE = 2 };

struct op {
	u32 kind, a, b, c, cpu, size, offset;
	u8 source[MAX_SOURCE + 8];
};

struct result {
	u32 status;
	s32 number;
	u64 words[MAX_WORDS];
	u64 pointers[SLOTS];
	u32 refs[SLOTS];
};

struct slot {
	struct bpf_cpumask __kptr *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_OPS);
	__type(key, u32);
	__type(value, struct op);
} ops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_OPS);
	__type(key, u32);
	__type(value, struct result);
} results SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

u32 count;

/* Kernels before 6.15 do not have it. */
int bpf_cpumask_populate(struct cpumask *cpumask, void *src, size_t src__sz) __ksym __attribute__((weak));

static long (*const bpf_probe_read_kernel)(void *dst, u32 size, const void *src) = (void *)113;

static __always_inline struct slot *slot_of(u32 index)
{
	return bpf_map_lookup_elem(&slots, &index);
}

static __always_inline s32 usage_of(struct bpf_cpumask *mask)
{
	return mask->usage.refs.counter;
}

/*
 * Puts `mask`, which may be NULL, into a slot and gives back what was there. The verifier wants a NULL that is a constant; the
 * barrier keeps the compiler from making one call of the two.
 */
static __always_inline struct bpf_cpumask *exchange_slot(struct slot *slot, struct bpf_cpumask *mask)
{
	if (mask)
		return bpf_kptr_xchg(&slot->mask, mask);
	asm volatile("" ::: "memory");
	return bpf_kptr_xchg(&slot->mask, NULL);
}

/* The same, and drops what was there. */
static __always_inline void fill(struct slot *slot, struct bpf_cpumask *mask)
{
	struct bpf_cpumask *old = exchange_slot(slot, mask);

	if (old)
		bpf_cpumask_release(old);
}

static __always_inline void note_slots(struct result *result)
{
	bpf_rcu_read_lock();
	for (u32 i = 0; i < SLOTS; i++) {
		struct slot *slot = slot_of(i);
		struct bpf_cpumask *mask = slot ? slot->mask : NULL;

		result->pointers[i] = 0;
		result->refs[i] = 0;
		if (mask) {
			bpf_probe_read_kernel(&result->refs[i], sizeof(u32), &mask->usage);
			bpf_probe_read_kernel(&result->pointers[i], sizeof(u64), slot);
		}
	}
	bpf_rcu_read_unlock();
	result->status = LIFE;
}

static __always_inline int create(struct op *op, struct result *result)
{
	struct slot *slot = slot_of(op->a);
	struct bpf_cpumask *mask;

	if (!slot)
		return 0;
	mask = bpf_cpumask_create();
	if (!mask)
		return 0;
	result->number = usage_of(mask);
	fill(slot, mask);
	return 1;
}

static __always_inline int acquire(struct op *op, struct result *result)
{
	struct slot *from = slot_of(op->a), *to = slot_of(op->b);
	struct bpf_cpumask *mask, *again;

	if (!from || !to)
		return 0;
	mask = bpf_kptr_xchg(&from->mask, NULL);
	if (!mask)
		return 0;
	again = bpf_cpumask_acquire(mask);
	result->number = usage_of(again);
	fill(from, mask);
	fill(to, again);
	return 1;
}

static __always_inline int release(struct op *op, struct result *result)
{
	struct slot *slot = slot_of(op->a);
	struct bpf_cpumask *mask;

	if (!slot)
		return 0;
	mask = bpf_kptr_xchg(&slot->mask, NULL);
	if (!mask)
		return 0;
	result->number = usage_of(mask);
	bpf_cpumask_release(mask);
	return 1;
}

static __always_inline int exchange(struct op *op, struct result *result)
{
	struct slot *a = slot_of(op->a), *b = slot_of(op->b);
	struct bpf_cpumask *from_a, *from_b;

	result->number = 0;
	if (!a || !b)
		return 0;
	if (op->a == op->b)
		return 1;
	from_a = bpf_kptr_xchg(&a->mask, NULL);
	from_b = exchange_slot(b, from_a);
	fill(a, from_b);
	return 1;
}

static __always_inline int lifetime(struct op *op, struct result *result)
{
	switch (op->kind) {
	case CREATE:
		return create(op, result);
	case ACQUIRE:
		return acquire(op, result);
	case RELEASE:
		return release(op, result);
	default:
		return exchange(op, result);
	}
}

static __always_inline s32 populate(struct op *op, struct bpf_cpumask *mask)
{
	u32 size = op->size, offset = op->offset;

	if (!bpf_cpumask_populate || size > MAX_SOURCE || offset > 7)
		return -ENOENT;
	return bpf_cpumask_populate((struct cpumask *)mask, op->source + offset, size);
}

/* Operations on one mask, then on two, then on three. */
static __always_inline s32 on_one(struct op *op, struct bpf_cpumask *a)
{
	switch (op->kind) {
	case FIRST:
		return bpf_cpumask_first(view(a));
	case FIRST_ZERO:
		return bpf_cpumask_first_zero(view(a));
	case WEIGHT:
		return bpf_cpumask_weight(view(a));
	case EMPTY:
		return bpf_cpumask_empty(view(a));
	case FULL:
		return bpf_cpumask_full(view(a));
	case ANY_DISTRIBUTE:
		return bpf_cpumask_any_distribute(view(a));
	case SETALL:
		bpf_cpumask_setall(a);
		return 0;
	case CLEAR:
		bpf_cpumask_clear(a);
		return 0;
	case TEST_CPU:
		return bpf_cpumask_test_cpu(op->cpu, view(a));
	case SET_CPU:
		bpf_cpumask_set_cpu(op->cpu, a);
		return 0;
	case CLEAR_CPU:
		bpf_cpumask_clear_cpu(op->cpu, a);
		return 0;
	case TEST_AND_SET_CPU:
		return bpf_cpumask_test_and_set_cpu(op->cpu, a);
	case TEST_AND_CLEAR_CPU:
		return bpf_cpumask_test_and_clear_cpu(op->cpu, a);
	case POPULATE:
		return populate(op, a);
	}
	return 0;
}

static __always_inline s32 on_two(u32 kind, struct bpf_cpumask *a, struct bpf_cpumask *b)
{
	switch (kind) {
	case FIRST_AND:
		return bpf_cpumask_first_and(view(a), view(b));
	case EQUAL:
		return bpf_cpumask_equal(view(a), view(b));
	case INTERSECTS:
		return bpf_cpumask_intersects(view(a), view(b));
	case SUBSET:
		return bpf_cpumask_subset(view(a), view(b));
	case ANY_AND_DISTRIBUTE:
		return bpf_cpumask_any_and_distribute(view(a), view(b));
	case COPY:
		bpf_cpumask_copy(a, view(b));
		return 0;
	}
	return 0;
}

static __always_inline s32 on_three(u32 kind, struct bpf_cpumask *a, struct bpf_cpumask *b, struct bpf_cpumask *c)
{
	switch (kind) {
	case AND:
		return bpf_cpumask_and(a, view(b), view(c));
	case OR:
		bpf_cpumask_or(a, view(b), view(c));
		return 0;
	case XOR:
		bpf_cpumask_xor(a, view(b), view(c));
		return 0;
	}
	return 0;
}

static __always_inline bool takes_three(u32 kind)
{
	return kind == AND || kind == OR || kind == XOR;
}

static __always_inline bool takes_two(u32 kind)
{
	return (kind >= FIRST_AND && kind <= ANY_AND_DISTRIBUTE) || kind == COPY;
}

/* Called under RCU: the masks of slots stay as long as we look at them. */
static __always_inline void compute(struct op *op, struct result *result)
{
	struct slot *slot_a = slot_of(op->a), *slot_b = slot_of(op->b), *slot_c = slot_of(op->c);
	struct bpf_cpumask *a, *b, *c;

	if (!slot_a || !slot_b || !slot_c)
		return;
	a = slot_a->mask;
	if (!a)
		return;
	if (takes_three(op->kind)) {
		b = slot_b->mask;
		c = slot_c->mask;
		if (!b || !c)
			return;
		result->number = on_three(op->kind, a, b, c);
	} else if (takes_two(op->kind)) {
		b = slot_b->mask;
		if (!b)
			return;
		result->number = on_two(op->kind, a, b);
	} else {
		result->number = on_one(op, a);
	}
	result->status = DONE;
	bpf_probe_read_kernel(result->words, __builtin_preserve_type_info(*(struct cpumask *)0, 1), a);
}

static long step(u32 index, void *unused)
{
	struct result *result = bpf_map_lookup_elem(&results, &index);
	struct op *op = bpf_map_lookup_elem(&ops, &index);

	if (!op || !result)
		return 1;
	result->status = NOTHING;
	if (op->kind >= CREATE) {
		if (lifetime(op, result))
			note_slots(result);
	} else {
		bpf_rcu_read_lock();
		compute(op, result);
		bpf_rcu_read_unlock();
	}
	return 0;
}

SEC("syscall")
int execute(void *ctx)
{
	return bpf_loop(count, step, NULL, 0);
}

LICENSE("Dual MIT/GPL");
