/* SPDX-License-Identifier: MIT */
/* Timers and work items of programs that share CPU masks. */
#ifndef DEFERRED_H
#define DEFERRED_H

#include "race.h"

struct bpf_timer { u64 opaque[2]; };
struct bpf_wq { u64 opaque[2]; };

enum { CLOCK_MONOTONIC = 1 };

void bpf_local_irq_save(unsigned long *flags) __ksym;
void bpf_local_irq_restore(unsigned long *flags) __ksym;

static long (*const bpf_timer_init)(struct bpf_timer *timer, void *map, u64 flags) = (void *)169;
static long (*const bpf_timer_set_callback)(struct bpf_timer *timer, void *callback) = (void *)170;
static long (*const bpf_timer_start)(struct bpf_timer *timer, u64 nsecs, u64 flags) = (void *)171;
static long (*const bpf_timer_cancel)(struct bpf_timer *timer) = (void *)172;

extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*callback)(void *map, int *key, void *value),
				    unsigned int flags, void *aux) __ksym;

struct tick {
	struct bpf_timer timer;
	struct bpf_cpumask __kptr *mask;
	/* Where a mask is, without a reference to it. */
	u64 address;
};

struct job {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct tick);
} ticks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct job);
} jobs SEC(".maps");

static __always_inline int init_timer(u32 key)
{
	struct tick *tick = bpf_map_lookup_elem(&ticks, &key);

	return tick ? bpf_timer_init(&tick->timer, &ticks, CLOCK_MONOTONIC) : -ENOENT;
}

static __always_inline int init_work(u32 key)
{
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	return job ? bpf_wq_init(&job->work, &jobs, 0) : -ENOENT;
}

/* Macros, as a callback has to be named where it is set. */
#define start_timer(number, callback, nsecs) ({								\
	u32 __key = (number);										\
	struct tick *__tick = bpf_map_lookup_elem(&ticks, &__key);					\
	__tick && !bpf_timer_set_callback(&__tick->timer, callback) ?					\
		bpf_timer_start(&__tick->timer, nsecs, 0) : -EINVAL;					\
})

#define start_work(number, callback) ({									\
	u32 __key = (number);										\
	struct job *__job = bpf_map_lookup_elem(&jobs, &__key);					\
	__job && !bpf_wq_set_callback_impl(&__job->work, callback, 0, NULL) ?				\
		bpf_wq_start(&__job->work, 0) : -EINVAL;						\
})

static __always_inline long cancel_timer(u32 key)
{
	struct tick *tick = bpf_map_lookup_elem(&ticks, &key);

	return tick ? bpf_timer_cancel(&tick->timer) : -ENOENT;
}

#endif
