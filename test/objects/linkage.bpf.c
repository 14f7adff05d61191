// SPDX-License-Identifier: MIT
/* What a loader has to put together: subprograms, callbacks, maps of maps, slots, externs, sections of variables. */
#include "bpf_cpumask.h"

#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
#define __noinline __attribute__((noinline))
#define __kconfig __attribute__((section(".kconfig")))
#define __array(name, type) typeof(type) *name[]
#define __ulong(name, value) enum { name##_value = value } name

enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };
struct rq {
	int cpu;
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u64);
};
struct inner inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, 12);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &inner_a, [3] = &inner_b } };

int entry_point(void *ctx);
struct {
	__uint(type, 3);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = { .values = { [1] = (void *)&entry_point } };

struct {
	__uint(type, 27);
	__uint(max_entries, 5000);
} ring SEC(".maps");

struct pair {
	u32 a, b;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, 1);
	__uint(max_entries, 64);
	__uint(numa_node, 1);
	__uint(pinning, 1);
	__type(key, struct pair);
	__type(value, char[10]);
} pinned SEC(".maps");

struct {
	__uint(type, 33);
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 10);
	__ulong(map_extra, 0x100000000000ULL);
} arena SEC(".maps");

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_SMP __kconfig;
extern u64 CONFIG_NOT_KNOWN_TO_ANYBODY __kconfig __weak;
extern enum libbpf_tristate CONFIG_MODULES __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[8] __kconfig;

extern const struct rq runqueues __ksym;
extern const void schedule __ksym;
extern const void nobody_has_this __ksym __weak;
void bpf_cpumask_of_nobody(struct bpf_cpumask *mask) __ksym __weak;
struct bpf_cpumask *bpf_cpumask_create___mine(void) __ksym __weak;

u64 counter;
int answer = 42;
__hidden int secret = 1;
__weak int weakly = 2;
parameter int limit = 9;
static u64 pad SEC(".bss.own") __attribute__((used));
int named SEC(".data.of_a_long_name") = 3;

static __noinline int leaf(int n)
{
	return n * 3 + (int)counter;
}

__noinline int global_helper(int n)
{
	return leaf(n) + 1;
}

__hidden __noinline int hidden_helper(int n)
{
	return global_helper(n) + leaf(n + 1);
}

static int on_step(u32 index, void *ctx)
{
	counter += index;
	return 0;
}

SEC("syscall")
int entry_point(void *ctx)
{
	bpf_loop(limit, on_step, NULL, 0);
	return hidden_helper(answer) + named + secret + weakly;
}

SEC("?tp_btf/task_newtask")
int not_loaded(u64 *ctx)
{
	return leaf(1);
}

SEC("lsm.s/file_open")
int sleeps(u64 *ctx)
{
	return CONFIG_SMP ? LINUX_KERNEL_VERSION : CONFIG_MODULES + CONFIG_NOT_KNOWN_TO_ANYBODY + CONFIG_DEFAULT_HOSTNAME[0];
}

SEC("syscall")
u64 symbols(void *ctx)
{
	u64 sum = (u64)&runqueues + (u64)&schedule + (u64)&nobody_has_this;
	struct bpf_cpumask *mask = NULL;

	if (bpf_cpumask_create___mine)
		mask = bpf_cpumask_create___mine();
	if (!mask)
		return sum;
	if (bpf_cpumask_of_nobody)
		bpf_cpumask_of_nobody(mask);
	bpf_cpumask_release(mask);
	return sum;
}

SEC("syscall")
int maps(void *ctx)
{
	u32 key = 1;
	void *map = bpf_map_lookup_elem(&outer, &key);

	bpf_map_delete_elem(&pinned, &(u64){ 1 });
	bpf_map_lookup_elem(&calls, &key);
	bpf_map_lookup_elem(&ring, &key);
	return map != NULL;
}

LICENSE("Dual MIT/GPL");
