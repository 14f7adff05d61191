// SPDX-License-Identifier: MIT
/*
 * Two programs exchange masks. `publish` makes a mask and shows it on a board, where everybody may read it under RCU; a
 * second reference goes into a mailbox. `consume` reads the board, then takes the mask out of the mailbox for good.
 */
#include "bpf_cpumask.h"

struct slot {
	struct bpf_cpumask __kptr *mask;
	u32 generation;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

enum { BOARD = 0, MAILBOX = 1 };

struct kept {
	struct bpf_cpumask __kptr *mask;
};

/* What the consumer has received, by generation. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct kept);
} received SEC(".maps");

/* CPUs of the machine: each generation has one more of every eight. */
parameter u32 nr_cpus = 8;

u32 published, consumed, missed;
u32 board_weight;

static __always_inline struct slot *slot(u32 index)
{
	return bpf_map_lookup_elem(&slots, &index);
}

/* Returns the generation that it has published. */
SEC("syscall")
int publish(void *ctx)
{
	struct slot *board = slot(BOARD), *mailbox = slot(MAILBOX);
	struct bpf_cpumask *mask, *second;
	u32 generation = published + 1;

	if (!board || !mailbox)
		return -ENOENT;
	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < 64; cpu++)
		if (cpu < nr_cpus && cpu % 8 < generation)
			bpf_cpumask_set_cpu(cpu, mask);

	second = bpf_cpumask_acquire(mask);
	board->generation = generation;
	put_mask(&board->mask, mask);
	mailbox->generation = generation;
	put_mask(&mailbox->mask, second);
	published = generation;
	return generation;
}

SEC("tp_btf/task_newtask")
int consume(u64 *ctx)
{
	struct slot *board = slot(BOARD), *mailbox = slot(MAILBOX);
	struct bpf_cpumask *mask;
	struct kept fresh = {}, *entry;
	u32 generation;

	if (!board || !mailbox)
		return 0;

	/* looking needs no reference: a mask that is replaced meanwhile stays until the read side ends */
	bpf_rcu_read_lock();
	mask = board->mask;
	if (mask)
		board_weight = bpf_cpumask_weight(view(mask));
	bpf_rcu_read_unlock();

	/* owning does: exchange it out, and it is ours alone */
	mask = bpf_kptr_xchg(&mailbox->mask, NULL);
	if (!mask) {
		missed++;
		return 0;
	}
	generation = mailbox->generation;
	bpf_map_update_elem(&received, &generation, &fresh, BPF_ANY);
	entry = bpf_map_lookup_elem(&received, &generation);
	if (!entry) {
		bpf_cpumask_release(mask);
		return 0;
	}
	put_mask(&entry->mask, mask);
	consumed++;
	return 0;
}

LICENSE("Dual MIT/GPL");
