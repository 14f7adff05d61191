/* SPDX-License-Identifier: MIT */
/*
 * What a BPF program that works with CPU masks needs, in one file: types of the kernel (found by name in the kernel's BTF
 * at load, so that only the members used here are listed), helpers, and the cpumask kfuncs of Linux 6.18.
 */
#ifndef BPF_CPUMASK_H
#define BPF_CPUMASK_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef _Bool bool;
typedef unsigned long size_t;

#define NULL ((void *)0)
#define true 1
#define false 0

#define SEC(name) __attribute__((section(name), used))
#define LICENSE(text) char _license[] SEC("license") = text
#define __ksym __attribute__((section(".ksyms")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __uint(name, value) int(*name)[value]
#define __type(name, type) typeof(type) *name
#define __always_inline inline __attribute__((always_inline))

/* A global of its own section: kptrs and locks may not lie where user space maps the memory. */
#define private(name) SEC(".bss." #name) static __attribute__((aligned(8)))
/* A constant that the loader may set. */
#define parameter const volatile

enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_ARRAY = 6 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { EBUSY = 16, EINVAL = 22, ENOENT = 2, ENOMEM = 12, EEXIST = 17 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct { int counter; } atomic_t;
typedef struct refcount_struct { atomic_t refs; } refcount_t;
struct cpumask { unsigned long bits[128]; };
typedef struct cpumask cpumask_t;
struct bpf_cpumask { cpumask_t cpumask; refcount_t usage; };
struct task_struct {
	int nr_cpus_allowed;
	const cpumask_t *cpus_ptr;
	int pid;
	int tgid;
	char comm[16];
};
#pragma clang attribute pop

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static long (*const bpf_trace_printk)(const char *fmt, u32 fmt_size, ...) = (void *)6;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;
static long (*const bpf_for_each_map_elem)(void *map, void *callback, void *ctx, u64 flags) = (void *)164;
static long (*const bpf_loop)(u32 count, void *callback, void *ctx, u64 flags) = (void *)181;
static void *(*const bpf_kptr_xchg)(void *slot, void *ptr) = (void *)194;

void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *cpumask) __ksym;
void bpf_cpumask_release(struct bpf_cpumask *cpumask) __ksym;
u32 bpf_cpumask_first(const struct cpumask *cpumask) __ksym;
u32 bpf_cpumask_first_zero(const struct cpumask *cpumask) __ksym;
u32 bpf_cpumask_first_and(const struct cpumask *src1, const struct cpumask *src2) __ksym;
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *cpumask) __ksym;
void bpf_cpumask_clear_cpu(u32 cpu, struct bpf_cpumask *cpumask) __ksym;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym;
bool bpf_cpumask_test_and_set_cpu(u32 cpu, struct bpf_cpumask *cpumask) __ksym;
bool bpf_cpumask_test_and_clear_cpu(u32 cpu, struct bpf_cpumask *cpumask) __ksym;
void bpf_cpumask_setall(struct bpf_cpumask *cpumask) __ksym;
void bpf_cpumask_clear(struct bpf_cpumask *cpumask) __ksym;
bool bpf_cpumask_and(struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask *src2) __ksym;
void bpf_cpumask_or(struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask *src2) __ksym;
void bpf_cpumask_xor(struct bpf_cpumask *dst, const struct cpumask *src1, const struct cpumask *src2) __ksym;
bool bpf_cpumask_equal(const struct cpumask *src1, const struct cpumask *src2) __ksym;
bool bpf_cpumask_intersects(const struct cpumask *src1, const struct cpumask *src2) __ksym;
bool bpf_cpumask_subset(const struct cpumask *src1, const struct cpumask *src2) __ksym;
bool bpf_cpumask_empty(const struct cpumask *cpumask) __ksym;
bool bpf_cpumask_full(const struct cpumask *cpumask) __ksym;
void bpf_cpumask_copy(struct bpf_cpumask *dst, const struct cpumask *src) __ksym;
u32 bpf_cpumask_any_distribute(const struct cpumask *cpumask) __ksym;
u32 bpf_cpumask_any_and_distribute(const struct cpumask *src1, const struct cpumask *src2) __ksym;
u32 bpf_cpumask_weight(const struct cpumask *cpumask) __ksym;
int bpf_cpumask_populate(struct cpumask *cpumask, void *src, size_t src__sz) __ksym;

/* A mask of the program's own, seen as a mask to read. */
static __always_inline const struct cpumask *view(struct bpf_cpumask *mask)
{
	return (const struct cpumask *)mask;
}

/* Puts a mask into a slot and gives back what was there; both references have changed hands. */
static __always_inline void put_mask(struct bpf_cpumask **slot, struct bpf_cpumask *mask)
{
	struct bpf_cpumask *old = bpf_kptr_xchg(slot, mask);

	if (old)
		bpf_cpumask_release(old);
}

/* A new mask of the CPUs set in `bits`: CPU 0 is bit 0. NULL when memory is out. */
static __always_inline struct bpf_cpumask *mask_of(u64 bits)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return NULL;
	for (u32 cpu = 0; cpu < 64; cpu++)
		if (bits & (1ULL << cpu))
			bpf_cpumask_set_cpu(cpu, mask);
	return mask;
}

#endif
