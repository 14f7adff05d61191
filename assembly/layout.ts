/**
 * Where things lie in the simulated kernel's memory. Read by both sides: compiled into kernel.wasm by AssemblyScript and
 * imported as plain numbers by TypeScript, so it holds untyped integer constants and nothing else.
 *
 *     0          64 KiB     128 KiB             SHADOW                 heap
 *     | NULL page | machine  | (reserved)        | 1 byte per 8 bytes   | slabs, maps, programs, per-CPU areas ...
 *
 * An offset into the memory is what the data plane calls a pointer (usize); a simulated kernel address is
 * `0xffff8880_00000000 | offset`, and offset 0 is NULL.
 */

/** Upper 32 bits of every simulated kernel address. */
export const KERNEL_BASE_HI = 0xffff8880;

/** Nothing below this offset is ever valid memory. */
export const NULL_GUARD = 0x10000;

/** struct machine: one per memory, at a fixed place. Names with M_ are absolute offsets. */
export const MACHINE = 0x10000;
/** Possible CPUs of this boot. u32 */
export const M_NR_CPU_IDS = 0x10000;
/** Build-time CPU limit: cpumask_t has this many bits, rounded up to words. u32 */
export const M_NR_CPUS = 0x10004;
/** small_cpumask_bits: NR_CPUS when that is at most 64, else nr_cpu_ids. u32 */
export const M_SMALL_CPUMASK_BITS = 0x10008;
/** sizeof(cpumask_t) in bytes. u32 */
export const M_CPUMASK_SIZE = 0x1000c;
/** sizeof(struct bpf_cpumask) in bytes, from BTF. u32 */
export const M_BPF_CPUMASK_SIZE = 0x10010;
/** offsetof(struct bpf_cpumask, usage), from BTF. u32 */
export const M_BPF_CPUMASK_USAGE = 0x10014;
/** Offset of the first per-CPU area; CPU n's lies at + n * PERCPU_SIZE. u32 */
export const M_PERCPU = 0x10018;
/** First byte of the shadow. u32 */
export const M_SHADOW = 0x1001c;
/** First byte of the heap, after the shadow. u32 */
export const M_HEAP = 0x10020;
/** The heap never grows past this offset. u32 */
export const M_MEMORY_LIMIT = 0x10024;
/** Runtime differences between releases, FEATURE_ bits. u32 */
export const M_FEATURES = 0x10028;
/** Simulated monotonic clock. u64 nanoseconds */
export const M_CLOCK_NS = 0x10030;
/** State of the seeded generator behind bpf_get_prandom_u32. u64 */
export const M_PRNG = 0x10038;
/** cpumask_t * of cpu_possible_mask, cpu_present_mask, cpu_online_mask. u32 each */
export const M_CPU_POSSIBLE = 0x10040;
export const M_CPU_PRESENT = 0x10044;
export const M_CPU_ONLINE = 0x10048;

/** Offsets 0x100.. of struct machine: allocator and RCU (assembly/mm, assembly/kernel/rcu). */
export const M_MM = 0x10100;
/** Offsets 0x400.. of struct machine: warnings, printk, trace stream. */
export const M_LOG = 0x10400;
/** Offsets 0x600.. of struct machine: tables of maps, programs, BTF types known to the data plane. */
export const M_TABLES = 0x10600;

/** sizeof(struct percpu). Names with PC_ are offsets in it; the worker's `gs` points at the current CPU's. */
export const PERCPU_SIZE = 1024;
/** CPU number. u32 */
export const PC_CPU = 0;
/** distribute_cpu_mask_prev. u32 */
export const PC_DISTRIBUTE_PREV = 4;
/** struct task_struct * that is current here. u32 */
export const PC_CURRENT = 8;
/** What runs now, for reports: program id << 20 | instruction index. u32 */
export const PC_SITE = 12;
/** preempt_count, migrate_disable and irq-disabled nesting. u32 each */
export const PC_PREEMPT = 16;
export const PC_MIGRATE = 20;
export const PC_IRQ_OFF = 24;
/** Offsets 64.. of struct percpu: RCU read side and allocator caches. */
export const PC_RCU = 64;
/** Offsets 256.. of struct percpu: interpreter. */
export const PC_INTERP = 256;
/** Offsets 512.. of struct percpu: helpers (trace_printk buffers, map iteration). */
export const PC_HELPERS = 512;

/** Shadow bytes: how much of an 8-byte granule may be read. 0: never allocated, 1..8: so many bytes. */
export const SHADOW_FULL = 8;
/** Added to 1..8: readable, not writable by a program. */
export const SHADOW_READONLY = 0x40;
/** Negative as i8: why an access is wrong. */
export const SHADOW_FREED = 0xfb;
export const SHADOW_REDZONE = 0xfc;
