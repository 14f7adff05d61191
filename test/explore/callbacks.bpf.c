// SPDX-License-Identifier: MIT
/* Callbacks of timers and work items, and what they may come between: callbacks.test.ts says which ends there are. */
#include "deferred.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct tick);
} elems SEC(".maps");

/* 1: a callback runs, 2: it has run. */
volatile u32 phase;
/* What the programs saw of it, and what helpers returned. */
volatile s32 seen[2], results[4];
volatile u32 order, runs;

static int in_two_phases(void *map, u32 *key, struct tick *tick)
{
	phase = 1;
	phase = 2;
	return 0;
}

static int note(u32 number)
{
	order = order * 10 + number;
	return 0;
}

static int first(void *map, u32 *key, struct tick *tick) { return note(1); }
static int second(void *map, u32 *key, struct tick *tick) { return note(2); }
static int first_work(void *map, int *key, void *value) { return note(1); }
static int second_work(void *map, int *key, void *value) { return note(2); }

static int cancels_itself(void *map, u32 *key, struct tick *tick)
{
	results[0] = bpf_timer_start(&tick->timer, 1000, 0);
	results[1] = bpf_timer_cancel(&tick->timer);
	return 0;
}

static int cancels_other(void *map, u32 *key, struct tick *tick)
{
	u32 own = *key & 1;

	phase = phase + 1;
	results[own] = cancel_timer(!own);
	return 0;
}

static int starts_again(void *map, u32 *key, struct tick *tick)
{
	runs++;
	return bpf_timer_start(&tick->timer, 1000, 0), 0;
}

static int deletes_itself(void *map, u32 *key, struct tick *tick)
{
	u32 number = 1;

	phase = 1;
	results[0] = bpf_map_delete_elem(&elems, &number);
	results[1] = bpf_timer_start(&tick->timer, 1000, 0);
	phase = 2;
	return 0;
}

static int starts_timer(void *map, int *key, void *value)
{
	results[0] = start_timer(0, first, 1000);
	return note(2);
}

SEC("syscall")
int set_up(void *ctx)
{
	return init_timer(0) ?: init_timer(1) ?: init_work(0) ?: init_work(1);
}

SEC("syscall") int start(void *ctx) { return start_timer(0, in_two_phases, 1000); }

SEC("syscall")
int stop(void *ctx)
{
	results[0] = cancel_timer(0);
	seen[0] = phase;
	return 0;
}

SEC("syscall")
int stop_second(void *ctx)
{
	results[0] = cancel_timer(1);
	return 0;
}

static int looks(void *map, u32 *key, struct tick *tick)
{
	results[2] = 1 + phase * 10 + order;
	return 0;
}

SEC("syscall") int start_looking(void *ctx) { return start_timer(0, looks, 1000); }

SEC("syscall")
int quiet(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	phase = 1;
	order = 1;
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall")
int look_and_stop(void *ctx)
{
	u32 in = phase, out = order;

	results[0] = cancel_timer(0);
	results[1] = in * 10 + out;
	return 0;
}

SEC("syscall") int stop_first(void *ctx) { return cancel_timer(0), 0; }
SEC("syscall") int mark(void *ctx) { return note(3); }
SEC("syscall") int start_itself(void *ctx) { return start_timer(0, cancels_itself, 1000); }
SEC("syscall") int start_0(void *ctx) { return start_timer(0, cancels_other, 1000); }
SEC("syscall") int start_1(void *ctx) { return start_timer(1, cancels_other, 1000); }
SEC("syscall") int start_first(void *ctx) { return start_timer(0, first, 1000); }
SEC("syscall") int start_second(void *ctx) { return start_timer(1, second, 2000); }
SEC("syscall") int start_both(void *ctx) { return start_timer(0, first, 1000) ?: start_timer(1, second, 2000); }
SEC("syscall") int start_later(void *ctx) { return start_timer(0, first, 2000) ?: start_timer(1, second, 1000); }
SEC("syscall") int start_again(void *ctx) { return start_timer(0, starts_again, 1000); }
SEC("syscall") int queue_first(void *ctx) { return start_work(0, first_work); }
SEC("syscall") int queue_second(void *ctx) { return start_work(1, second_work); }
SEC("syscall") int queue_both(void *ctx) { return start_work(0, first_work) ?: start_work(1, second_work); }
SEC("syscall") int queue_timer(void *ctx) { return start_work(0, starts_timer); }

static __always_inline struct tick *elem(void)
{
	struct tick none = {}, *tick;
	u32 number = 1;

	bpf_map_update_elem(&elems, &number, &none, BPF_ANY);
	tick = bpf_map_lookup_elem(&elems, &number);
	if (tick)
		bpf_timer_init(&tick->timer, &elems, CLOCK_MONOTONIC);
	return tick;
}

SEC("syscall")
int start_elem(void *ctx)
{
	struct tick *tick = elem();

	return !tick || bpf_timer_set_callback(&tick->timer, in_two_phases) || bpf_timer_start(&tick->timer, 1000, 0);
}

SEC("syscall")
int start_deleting(void *ctx)
{
	struct tick *tick = elem();

	return !tick || bpf_timer_set_callback(&tick->timer, deletes_itself) || bpf_timer_start(&tick->timer, 1000, 0);
}

SEC("syscall")
int delete_elem(void *ctx)
{
	u32 number = 1;

	results[0] = bpf_map_delete_elem(&elems, &number);
	seen[0] = phase;
	return 0;
}

LICENSE("GPL");
