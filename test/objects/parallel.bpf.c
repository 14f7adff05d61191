// SPDX-License-Identifier: MIT
/*
 * Programs that several CPUs run at the same time, and that count what must not happen: a bit that two have claimed, a mask
 * that changes while it is read, a bit of one's own that is lost.
 */
#include "bpf_cpumask.h"

static void (*const bpf_spin_lock)(void *lock) = (void *)93;
static void (*const bpf_spin_unlock)(void *lock) = (void *)94;

struct bpf_spin_lock { u32 val; };

#define MAX_CPUS 256
#define SLOTS 4
/* Bits that all claim: few, so that they meet. */
#define CONTESTED 4

/* Rounds of one run. */
parameter u32 rounds = 1000;

struct slot {
	struct bpf_cpumask __kptr *mask;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* What a CPU found: its own line each, so that counting does not slow others down. */
struct tally {
	u64 done, wrong, missed;
	u64 pad[5];
};
struct tally tallies[MAX_CPUS];
u64 owners[64];

private(MASK) struct bpf_cpumask __kptr *shared;
private(LOCK) struct bpf_spin_lock lock;
private(LOCK) u64 sum;

static __always_inline struct tally *tally(void)
{
	return &tallies[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
}

SEC("syscall") int set_up(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	put_mask(&shared, mask);
	return 0;
}

static long empty_slot(u32 i, void *unused)
{
	struct slot *slot = bpf_map_lookup_elem(&slots, &i);
	struct bpf_cpumask *mask = slot ? bpf_kptr_xchg(&slot->mask, NULL) : NULL;

	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

/* Everything is given back. */
SEC("syscall") int tear_down(void *ctx)
{
	struct bpf_cpumask *mask = bpf_kptr_xchg(&shared, NULL);

	if (mask)
		bpf_cpumask_release(mask);
	return bpf_loop(SLOTS, empty_slot, NULL, 0);
}

static long claim_round(u32 i, void *unused)
{
	u64 me = bpf_get_smp_processor_id() + 1;
	u32 bit = i & (CONTESTED - 1);
	struct tally *t = tally();
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (!mask)
		goto out;
	if (bpf_cpumask_test_and_set_cpu(bit, mask)) {
		t->missed++;
		goto out;
	}
	t->done++;
	t->wrong += __sync_lock_test_and_set(&owners[bit], me) != 0;
	t->wrong += __sync_lock_test_and_set(&owners[bit], 0) != me;
	t->wrong += !bpf_cpumask_test_and_clear_cpu(bit, mask);
out:
	bpf_rcu_read_unlock();
	return 0;
}

/* Bits of one word are claimed and given back; only who has claimed one writes to its owner. */
SEC("syscall") int claim(void *ctx)
{
	return bpf_loop(rounds, claim_round, NULL, 0);
}

static long own_round(u32 i, void *unused)
{
	u32 bit = bpf_get_smp_processor_id();
	struct tally *t = tally();
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask) {
		t->wrong += bpf_cpumask_test_and_set_cpu(bit, mask);
		t->wrong += !bpf_cpumask_test_and_clear_cpu(bit, mask);
		t->done += 2;
	}
	bpf_rcu_read_unlock();
	return 0;
}

/* Each its own bit of the word that all share: none may get lost. */
SEC("syscall") int own_bit(void *ctx)
{
	return bpf_loop(rounds, own_round, NULL, 0);
}

static long exchange_round(u32 i, void *unused)
{
	struct bpf_cpumask *mask, *second;
	struct tally *t = tally();
	u32 key = i % SLOTS;
	struct slot *slot = bpf_map_lookup_elem(&slots, &key);

	if (!slot)
		return 1;
	mask = bpf_kptr_xchg(&slot->mask, NULL);
	if (!mask) {
		mask = mask_of(1 << key);
		if (!mask) {
			t->missed++;
			return 0;
		}
	}
	/* It is nobody else's now, and holds what it was made with. */
	t->wrong += bpf_cpumask_first(view(mask)) != key;
	second = bpf_cpumask_acquire(mask);
	t->wrong += bpf_cpumask_weight(view(second)) != 1;
	bpf_cpumask_release(second);
	mask = bpf_kptr_xchg(&slot->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	t->done++;
	return 0;
}

/* References pass from CPU to CPU through the slots. */
SEC("syscall") int exchange(void *ctx)
{
	return bpf_loop(rounds, exchange_round, NULL, 0);
}

static long publish_round(u32 i, void *unused)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	struct tally *t = tally();

	if (!mask) {
		t->missed++;
		return 0;
	}
	bpf_cpumask_set_cpu(i & 1, mask);
	mask = bpf_kptr_xchg(&shared, mask);
	if (mask)
		bpf_cpumask_release(mask);
	t->done++;
	return 0;
}

/* New masks of one bit take the shared one's place, which others read. */
SEC("syscall") int publish(void *ctx)
{
	return bpf_loop(rounds, publish_round, NULL, 0);
}

static long read_round(u32 i, void *unused)
{
	struct tally *t = tally();
	struct bpf_cpumask *mask;

	bpf_rcu_read_lock();
	mask = shared;
	if (mask) {
		u32 first = bpf_cpumask_first(view(mask));

		/* Freed and used again, it would show another bit, or none. */
		for (int k = 0; k < 4; k++)
			t->wrong += bpf_cpumask_first(view(mask)) != first || bpf_cpumask_weight(view(mask)) > 1;
		t->done++;
	}
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") int read(void *ctx)
{
	return bpf_loop(rounds, read_round, NULL, 0);
}

static long locked_round(u32 i, void *unused)
{
	bpf_spin_lock(&lock);
	sum++;
	bpf_spin_unlock(&lock);
	tally()->done++;
	return 0;
}

/* A plain sum under a lock. */
SEC("syscall") int locked(void *ctx)
{
	return bpf_loop(rounds, locked_round, NULL, 0);
}

/* What `locked` has summed up; what is behind the lock cannot be read from outside. */
SEC("syscall") int total(void *ctx)
{
	u64 is;

	bpf_spin_lock(&lock);
	is = sum;
	bpf_spin_unlock(&lock);
	return is;
}

static long spin_inner(u32 i, void *unused)
{
	return 0;
}

static long spin_outer(u32 i, void *unused)
{
	bpf_loop(1 << 23, spin_inner, NULL, 0);
	return 0;
}

/* Stays in a read section for hours. */
SEC("syscall") int hang(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_loop(1 << 23, spin_outer, NULL, 0);
	bpf_rcu_read_unlock();
	return 0;
}

LICENSE("Dual MIT/GPL");
