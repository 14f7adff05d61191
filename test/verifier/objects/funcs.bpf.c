// SPDX-License-Identifier: MIT
// Global functions and their arguments; callbacks; timers and work queues; strings.
#include "common.h"

struct __sk_buff { u32 len, pkt_type, mark; };
struct pair { u64 one, two; };
struct element { struct bpf_timer timer; struct bpf_spin_lock lock; u64 count; };
struct work { struct bpf_wq wq; u64 count; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct element);
} timers SEC(".maps"), others SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct work);
} works SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct pair);
} pairs SEC(".maps");

u64 sink;
char text[16];
const char format[] = "%d and %llx";
const char format_bad[] = "%";

__noinline int by_number(int a, u64 b) { return a + b; }
__noinline int by_pointer(struct pair *p) { return p ? p->one : 0; }
__noinline int by_pointer_unchecked(struct pair *p) { return p->one; }
__noinline int by_nonnull(struct pair *p __arg_nonnull) { return p->one; }
__noinline int by_array(int (*a)[4]) { return a ? (*a)[3] : 0; }
__noinline int by_ctx(struct __sk_buff *skb) { return skb->len; }
__noinline int by_ctx_tag(void *ctx __arg_ctx) { return ctx != NULL; }
__noinline int by_trusted(struct task_struct *p __arg_trusted) { return p->pid; }
__noinline int by_trusted_nullable(struct task_struct *p __arg_trusted __arg_nullable) { return p ? p->pid : 0; }
__noinline int by_untrusted(struct task_struct *p __arg_untrusted) { return p->pid; }
__noinline int by_void(void *p) { return p != NULL; }
__noinline void nothing(int a) { sink = a; }
__noinline struct pair *returns_pointer(int a) { return NULL; }
__noinline __weak int weak_function(int a) { return a; }
__noinline int by_six(int a, int b, int c, int d, int e) { return a + b + c + d + e; }
__noinline int unbounded_index(u32 i) { return text[i]; }

SEC("tc") int numbers(struct __sk_buff *skb) { return by_number(1, 2); }
SEC("tc") int pointer_from_stack(struct __sk_buff *skb)
{
	struct pair p = { 1, 2 };

	return by_pointer(&p);
}
SEC("tc") int pointer_too_small(struct __sk_buff *skb)
{
	u64 p = 1;

	barrier_var(p);
	return by_pointer((void *)&p);
}
SEC("tc") int pointer_null(struct __sk_buff *skb) { return by_pointer(NULL); }
SEC("tc") int pointer_uninitialised(struct __sk_buff *skb)
{
	struct pair p;

	return by_pointer(&p);
}
SEC("tc") int pointer_from_map(struct __sk_buff *skb)
{
	u32 key = 0;

	return by_pointer(bpf_map_lookup_elem(&pairs, &key));
}
SEC("tc") int nonnull_from_map(struct __sk_buff *skb)
{
	u32 key = 0;

	return by_nonnull(bpf_map_lookup_elem(&pairs, &key));
}
SEC("tc") int nonnull_from_stack(struct __sk_buff *skb)
{
	struct pair p = { 1, 2 };

	return by_nonnull(&p);
}
SEC("tc") int unchecked_inside(struct __sk_buff *skb)
{
	struct pair p = { 1, 2 };

	return by_pointer_unchecked(&p);
}
SEC("tc") int array(struct __sk_buff *skb)
{
	int a[4] = { 1, 2, 3, 4 };

	return by_array(&a);
}
SEC("tc") int context(struct __sk_buff *skb) { return by_ctx(skb); }
SEC("tc") int context_not_ctx(struct __sk_buff *skb)
{
	struct pair p = {};

	return by_ctx((void *)&p);
}
SEC("tc") int context_tag(struct __sk_buff *skb) { return by_ctx_tag(skb); }
SEC("tc") int number_for_pointer(struct __sk_buff *skb) { return by_pointer((void *)8); }
SEC("tc") int pointer_for_number(struct __sk_buff *skb) { return by_number(0, (u64)skb); }
SEC("tp_btf/task_newtask") int trusted(u64 *ctx) { return by_trusted((void *)ctx[0]); }
SEC("tp_btf/task_newtask") int trusted_null(u64 *ctx) { return by_trusted(NULL); }
SEC("tp_btf/task_newtask") int trusted_nullable_null(u64 *ctx) { return by_trusted_nullable(NULL); }
SEC("tp_btf/task_newtask") int trusted_untrusted(u64 *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	return by_trusted(bpf_rdonly_cast(p, __builtin_btf_type_id(*p, 1)));
}
SEC("tp_btf/task_newtask") int untrusted(u64 *ctx) { return by_untrusted((void *)ctx[0]); }
SEC("tc") int with_void_pointer(struct __sk_buff *skb) { return by_void(skb); }
SEC("tc") int with_void(struct __sk_buff *skb) { nothing(1); return 0; }
SEC("tc") int with_returned_pointer(struct __sk_buff *skb) { return returns_pointer(1) != NULL; }
SEC("tc") int with_weak(struct __sk_buff *skb) { return weak_function(1); }
SEC("tc") int with_five(struct __sk_buff *skb) { return by_six(1, 2, 3, 4, 5); }
SEC("tc") int index_in_global(struct __sk_buff *skb) { return unbounded_index(skb->len); }
SEC("tc") int global_under_lock(struct __sk_buff *skb)
{
	u32 key = 0;
	struct element *e = bpf_map_lookup_elem(&timers, &key);

	if (!e)
		return 0;
	bpf_spin_lock(&e->lock);
	nothing(1);
	bpf_spin_unlock(&e->lock);
	return 0;
}

static int fired(void *map, u32 *key, struct element *value) { value->count++; return 0; }
static int fired_returns_one(void *map, u32 *key, struct element *value) { return 1; }
static int fired_far(void *map, u32 *key, struct element *value) { return ((u64 *)value)[8] & 0; }
static __always_inline struct element *timer_at(void *map, u32 key) { return bpf_map_lookup_elem(map, &key); }

SEC("tc") int timer_started(struct __sk_buff *skb)
{
	struct element *e = timer_at(&timers, 0);

	if (!e)
		return 0;
	bpf_timer_init(&e->timer, &timers, 1);
	bpf_timer_set_callback(&e->timer, fired);
	bpf_timer_start(&e->timer, 1000, 0);
	return 0;
}
SEC("tc") int timer_of_other_map(struct __sk_buff *skb)
{
	struct element *e = timer_at(&timers, 0);

	if (e)
		bpf_timer_init(&e->timer, &others, 1);
	return 0;
}
SEC("tc") int timer_wrong_place(struct __sk_buff *skb)
{
	struct element *e = timer_at(&timers, 0);

	if (e)
		bpf_timer_init((void *)&e->timer + 4, &timers, 1);
	return 0;
}
SEC("tc") int timer_callback_returns_one(struct __sk_buff *skb)
{
	struct element *e = timer_at(&timers, 0);

	if (e)
		bpf_timer_set_callback(&e->timer, fired_returns_one);
	return 0;
}
SEC("tc") int timer_callback_far(struct __sk_buff *skb)
{
	struct element *e = timer_at(&timers, 0);

	if (e)
		bpf_timer_set_callback(&e->timer, fired_far);
	return 0;
}
SEC("tc") int timer_on_stack(struct __sk_buff *skb)
{
	struct bpf_timer t;

	bpf_timer_init(&t, &timers, 1);
	return 0;
}
SEC("tc") int timer_read(struct __sk_buff *skb)
{
	struct element *e = timer_at(&timers, 0);

	return e ? *(volatile u32 *)&e->timer : 0;
}
SEC("tp_btf/task_newtask") int timer_in_tp(u64 *ctx)
{
	struct element *e = timer_at(&timers, 0);

	if (e)
		bpf_timer_init(&e->timer, &timers, 1);
	return 0;
}

static int worked(void *map, int *key, void *value) { return 0; }
SEC("tc") int work_started(struct __sk_buff *skb)
{
	u32 key = 0;
	struct work *w = bpf_map_lookup_elem(&works, &key);

	if (!w)
		return 0;
	bpf_wq_init(&w->wq, &works, 0);
	bpf_wq_set_callback_impl(&w->wq, worked, 0, NULL);
	bpf_wq_start(&w->wq, 0);
	return 0;
}
SEC("tc") int work_of_other_map(struct __sk_buff *skb)
{
	u32 key = 0;
	struct work *w = bpf_map_lookup_elem(&works, &key);

	if (w)
		bpf_wq_init(&w->wq, &timers, 0);
	return 0;
}

static long each(void *map, u32 *key, struct pair *value, u64 *ctx) { *ctx += value->one; return 0; }
static long each_writes_key(void *map, u32 *key, struct pair *value, u64 *ctx) { *key = 1; return 0; }
static long each_returns_two(void *map, u32 *key, struct pair *value, u64 *ctx) { return 2; }
static long each_far(void *map, u32 *key, struct pair *value, u64 *ctx) { return ((u64 *)value)[2] & 1; }

SEC("tc") int for_each(struct __sk_buff *skb)
{
	u64 total = 0;

	bpf_for_each_map_elem(&pairs, each, &total, 0);
	return total;
}
SEC("tc") int for_each_writes_key(struct __sk_buff *skb)
{
	u64 total = 0;

	bpf_for_each_map_elem(&pairs, each_writes_key, &total, 0);
	return 0;
}
SEC("tc") int for_each_returns_two(struct __sk_buff *skb)
{
	u64 total = 0;

	bpf_for_each_map_elem(&pairs, each_returns_two, &total, 0);
	return 0;
}
SEC("tc") int for_each_far(struct __sk_buff *skb)
{
	u64 total = 0;

	bpf_for_each_map_elem(&pairs, each_far, &total, 0);
	return 0;
}
SEC("tc") int for_each_flags(struct __sk_buff *skb)
{
	u64 total = 0;

	bpf_for_each_map_elem(&pairs, each, &total, skb->len);
	return 0;
}

static long step(u32 i, u64 *ctx) { ctx[0] += i; return 0; }
static long step_far(u32 i, u64 *ctx) { return ctx[1] & 1; }
static long step_creates(u32 i, void *ctx) { return bpf_cpumask_create() != NULL; }

SEC("syscall") int loop(void *ctx)
{
	u64 n = 0;

	bpf_loop(10, step, &n, 0);
	return n;
}
SEC("syscall") int loop_context_far(void *ctx)
{
	u64 n = 0;

	bpf_loop(10, step_far, &n, 0);
	return n;
}
SEC("syscall") int loop_leaks(void *ctx)
{
	bpf_loop(10, step_creates, NULL, 0);
	return 0;
}
SEC("syscall") int loop_widens(void *ctx)
{
	u64 n = 0;

	bpf_loop(10, step, &n, 0);
	return text[n];
}

SEC("syscall") int printed(void *ctx)
{
	u64 args[2] = { 1, 2 };

	return bpf_snprintf(text, sizeof(text), format, args, sizeof(args));
}
SEC("syscall") int printed_bad_format(void *ctx)
{
	u64 args[2] = { 1, 2 };

	return bpf_snprintf(text, sizeof(text), format_bad, args, sizeof(args));
}
SEC("syscall") int printed_format_on_stack(void *ctx)
{
	u64 args[2] = { 1, 2 };
	char f[8] = "%d";

	return bpf_snprintf(text, sizeof(text), f, args, sizeof(args));
}
SEC("syscall") int printed_too_far(void *ctx)
{
	u64 args[2] = { 1, 2 };

	return bpf_snprintf(text, sizeof(text) + 1, format, args, sizeof(args));
}
SEC("syscall") int compared(void *ctx) { return bpf_strncmp(text, sizeof(text), format); }
SEC("syscall") int compared_not_constant(void *ctx) { return bpf_strncmp(text, sizeof(text), text); }
SEC("syscall") int compared_size_zero(void *ctx) { return bpf_strncmp(text, 0, format); }
SEC("syscall") int read_into_constant(void *ctx) { return bpf_probe_read_kernel((void *)format, 4, ctx); }
SEC("syscall") int read_unbounded_size(void *ctx) { return bpf_probe_read_kernel(text, bpf_get_prandom_u32(), ctx); }
SEC("syscall") int read_bounded_size(void *ctx) { return bpf_probe_read_kernel(text, bpf_get_prandom_u32() & 15, ctx); }
SEC("syscall") int read_negative_size(void *ctx)
{
	s64 size = (s32)bpf_get_prandom_u32();

	if (size > 8)
		return 0;
	return bpf_probe_read_kernel(text, size, ctx);
}
SEC("tc") int update_with_short_value(struct __sk_buff *skb)
{
	u32 key = 0;
	u64 value = 0;

	return bpf_map_update_elem(&pairs, &key, &value, 0);
}
SEC("tc") int update_with_null(struct __sk_buff *skb)
{
	u32 key = 0;

	return bpf_map_update_elem(&pairs, &key, NULL, 0);
}
SEC("syscall") int syscall_context(u64 *ctx) { return ctx[0] + ctx[7]; }
SEC("syscall") int syscall_context_variable(char *ctx) { return ctx[bpf_get_prandom_u32() & 15]; }
SEC("syscall") int syscall_context_negative(char *ctx) { return ctx[-1]; }

LICENSE("GPL");
