// SPDX-License-Identifier: MIT
/* Work that is put off: a timer that starts itself again, and a work item. */
#include "bpf_cpumask.h"

struct bpf_timer { u64 opaque[2]; };
struct bpf_wq { u64 opaque[2]; };

static long (*const bpf_timer_init)(struct bpf_timer *timer, void *map, u64 flags) = (void *)169;
static long (*const bpf_timer_set_callback)(struct bpf_timer *timer, void *callback) = (void *)170;
static long (*const bpf_timer_start)(struct bpf_timer *timer, u64 nsecs, u64 flags) = (void *)171;
static long (*const bpf_timer_cancel)(struct bpf_timer *timer) = (void *)172;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;

extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*callback)(void *map, int *key, void *value),
				    unsigned int flags, void *aux) __ksym;

struct elem {
	struct bpf_timer timer;
	u64 ticks;
};

struct job {
	struct bpf_wq work;
	u64 done;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct elem);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct job);
} jobs SEC(".maps");

u64 last_key, last_cpu, jobs_done, times[4];
/* What a callback is told that cancels its own timer. */
long self_cancel;

static int on_timer(void *map, u32 *key, struct elem *elem)
{
	u64 tick = elem->ticks;

	last_key = *key;
	last_cpu = bpf_get_smp_processor_id();
	if (tick < 4)
		times[tick] = bpf_ktime_get_ns();
	elem->ticks = tick + 1;
	if (tick + 1 < 3)
		bpf_timer_start(&elem->timer, 1000000, 0);
	self_cancel = bpf_timer_cancel(&elem->timer);
	return 0;
}

static int on_work(void *map, int *key, void *value)
{
	struct job *job = value;

	job->done = *key;
	jobs_done++;
	return 0;
}

SEC("syscall") int start(void *ctx)
{
	u32 key = 1;
	struct elem *elem = bpf_map_lookup_elem(&timers, &key);

	if (!elem)
		return 1;
	bpf_timer_init(&elem->timer, &timers, 1);
	bpf_timer_set_callback(&elem->timer, on_timer);
	return bpf_timer_start(&elem->timer, 5000000, 0);
}

SEC("syscall") int stop(void *ctx)
{
	u32 key = 1;
	struct elem *elem = bpf_map_lookup_elem(&timers, &key);

	return elem ? bpf_timer_cancel(&elem->timer) : -1;
}

SEC("syscall") int work(void *ctx)
{
	u32 key = 7;
	struct job none = {}, *job;

	bpf_map_update_elem(&jobs, &key, &none, BPF_ANY);
	job = bpf_map_lookup_elem(&jobs, &key);
	if (!job)
		return 1;
	if (bpf_wq_init(&job->work, &jobs, 0))
		return 2;
	if (bpf_wq_set_callback_impl(&job->work, on_work, 0, NULL))
		return 3;
	return bpf_wq_start(&job->work, 0);
}

LICENSE("GPL");
