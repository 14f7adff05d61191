// SPDX-License-Identifier: MIT
/* One request of each kind that fault injection can refuse; what the program was given goes to `got`: errno, or 1 for a pointer. */
#include "bpf_cpumask.h"
#include "common.h"

enum { BPF_MAP_TYPE_LPM_TRIE = 11, BPF_MAP_TYPE_QUEUE = 22, BPF_MAP_TYPE_STACK = 23 };

static long (*const bpf_map_push_elem)(void *map, const void *value, u64 flags) = (void *)87;
void *bpf_percpu_obj_new_impl(u64 local_type_id, void *meta) __ksym;
void bpf_percpu_obj_drop_impl(void *kptr, void *meta) __ksym;

#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define MAP(name, map_type, entries, flags, key_type, value_type)                                                       \
	struct {                                                                                                        \
		__uint(type, map_type);                                                                                 \
		__uint(max_entries, entries);                                                                           \
		__uint(map_flags, flags);                                                                               \
		__type(key, key_type);                                                                                  \
		__type(value, value_type);                                                                              \
	} name SEC(".maps")
#define QUEUE(name, map_type)                                                                                           \
	struct {                                                                                                        \
		__uint(type, map_type);                                                                                 \
		__uint(max_entries, 4);                                                                                 \
		__type(value, u64);                                                                                     \
	} name SEC(".maps")

struct prefix { u32 length; u32 bits; };
struct thing { u64 a; };
struct later { struct bpf_timer timer; };
struct work { struct bpf_wq wq; };

MAP(plain, BPF_MAP_TYPE_HASH, 4, 0, u32, u64);
MAP(grows, BPF_MAP_TYPE_HASH, 4, BPF_F_NO_PREALLOC, u32, u64);
MAP(grows_percpu, BPF_MAP_TYPE_PERCPU_HASH, 4, BPF_F_NO_PREALLOC, u32, u64);
MAP(recent, BPF_MAP_TYPE_LRU_HASH, 4, 0, u32, u64);
MAP(routes, BPF_MAP_TYPE_LPM_TRIE, 4, BPF_F_NO_PREALLOC, struct prefix, u64);
MAP(notes, BPF_MAP_TYPE_TASK_STORAGE, 0, BPF_F_NO_PREALLOC, int, u64);
MAP(timers, BPF_MAP_TYPE_ARRAY, 1, 0, u32, struct later);
MAP(works, BPF_MAP_TYPE_ARRAY, 1, 0, u32, struct work);
QUEUE(queue, BPF_MAP_TYPE_QUEUE);
QUEUE(stack, BPF_MAP_TYPE_STACK);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

s32 got;

#define PROGRAM(name) SEC("syscall") int name(void *ctx)
/* Puts in `key`, which is not there yet. */
#define INSERTS(name, map)                                                                                              \
	PROGRAM(name)                                                                                                   \
	{                                                                                                               \
		u32 key = 1;                                                                                            \
		u64 value = 2;                                                                                          \
                                                                                                                        \
		got = bpf_map_update_elem(&map, &key, &value, BPF_ANY);                                                 \
		return 0;                                                                                               \
	}

INSERTS(plain_insert, plain)
INSERTS(grows_insert, grows)
INSERTS(percpu_insert, grows_percpu)
INSERTS(lru_insert, recent)

PROGRAM(create)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	got = mask != NULL;
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

PROGRAM(obj)
{
	struct thing *thing = bpf_obj_new(struct thing);

	got = thing != NULL;
	if (thing)
		bpf_obj_drop(thing);
	return 0;
}

PROGRAM(percpu)
{
	struct thing __percpu_kptr *thing = bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(struct thing *)0, 0), NULL);

	got = thing != NULL;
	if (thing)
		bpf_percpu_obj_drop_impl((void *)thing, NULL);
	return 0;
}

/* The second prefix forks off the first: two nodes. */
SEC("tp_btf/task_newtask") int lpm(void *ctx)
{
	struct prefix a = { 32, 0 }, b = { 32, 1 };
	u64 value = 3;

	if (bpf_map_update_elem(&routes, &a, &value, BPF_ANY))
		return 0;
	got = bpf_map_update_elem(&routes, &b, &value, BPF_ANY);
	return 0;
}

SEC("tp_btf/task_newtask") int storage(void *ctx)
{
	got = bpf_task_storage_get(&notes, bpf_get_current_task_btf(), NULL, 1) != NULL;
	return 0;
}

PROGRAM(timer)
{
	u32 key = 0;
	struct later *later = bpf_map_lookup_elem(&timers, &key);

	if (later)
		got = bpf_timer_init(&later->timer, &timers, 1);
	return 0;
}

PROGRAM(work)
{
	u32 key = 0;
	struct work *work = bpf_map_lookup_elem(&works, &key);

	if (work)
		got = bpf_wq_init(&work->wq, &works, 0);
	return 0;
}

PROGRAM(iter)
{
	u64 words[2] = { 1, 2 };
	struct bpf_iter_bits bits;

	got = bpf_iter_bits_new(&bits, words, 2);
	bpf_iter_bits_destroy(&bits);
	return 0;
}

PROGRAM(push)
{
	u64 value = 4;

	got = bpf_map_push_elem(&queue, &value, BPF_ANY);
	return 0;
}

PROGRAM(push_stack)
{
	u64 value = 4;

	got = bpf_map_push_elem(&stack, &value, BPF_ANY);
	return 0;
}

/* Makes room for itself. */
PROGRAM(push_out)
{
	u64 value = 4;

	got = bpf_map_push_elem(&queue, &value, BPF_EXIST);
	return 0;
}

PROGRAM(reserve)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	got = record != NULL;
	if (record)
		bpf_ringbuf_discard(record, 0);
	return 0;
}

PROGRAM(output)
{
	u64 value = 5;

	got = bpf_ringbuf_output(&ring, &value, sizeof(value), 0);
	return 0;
}

LICENSE("Dual MIT/GPL");
