/**
 * Where things lie in the simulated kernel's memory. Read by both sides: compiled into kernel.wasm by AssemblyScript and
 * imported as plain numbers by TypeScript, so it holds untyped integer constants and nothing else.
 *
 *     0           64 KiB     128 KiB       256 KiB                heap
 *     | NULL page | machine  | record rings | shadow: 1 byte per 8 | slabs, maps, programs, per-CPU areas ...
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
/** First byte of the shadow, always SHADOW. u32 */
export const M_SHADOW = 0x1001c;
/** First byte of the heap, after the shadow. u32 */
export const M_HEAP = 0x10020;
/** The heap never grows past this offset. u32 */
export const M_MEMORY_LIMIT = 0x10024;
/** Runtime differences between releases, FEATURE_ bits. u32 */
export const M_FEATURES = 0x10028;
/** large_cpumask_bits: NR_CPUS when that is at most 256, else nr_cpu_ids; what clear and copy cover. u32 */
export const M_LARGE_CPUMASK_BITS = 0x1002c;
/** Simulated monotonic clock. u64 nanoseconds */
export const M_CLOCK_NS = 0x10030;
/** State of the seeded generator behind bpf_get_prandom_u32. u64 */
export const M_PRNG = 0x10038;
/** cpumask_t * of cpu_possible_mask, cpu_present_mask, cpu_online_mask. u32 each */
export const M_CPU_POSSIBLE = 0x10040;
export const M_CPU_PRESENT = 0x10044;
export const M_CPU_ONLINE = 0x10048;

/** Runtime differences between releases (M_FEATURES). */
/** any_distribute and any_and_distribute search below nr_cpu_ids; without it, below small_cpumask_bits (7.2). */
export const FEATURE_DISTRIBUTE_NR_CPU_IDS = 1 << 0;
/** An updated or deleted map value keeps its kptrs, lists and trees until its memory is given back (7.2). */
export const FEATURE_RECYCLED_KEEP_FIELDS = 1 << 1;
/** What a program puts into a deleted value goes back with the value's memory: hash maps without preallocation, task storage. */
export const FEATURE_DELETED_HASH_FREED = 1 << 2;
export const FEATURE_DELETED_STORAGE_FREED = 1 << 3;

/** Offsets 0x100.. of struct machine: allocator and RCU (assembly/mm, assembly/kernel/rcu). */
export const M_MM = 0x10100;
/** Spin lock of the page and slab level: 0, or 1 + the CPU that holds it. u32 */
export const MM_LOCK = 0x10100;
/** First byte of the heap never handed out. u32 */
export const MM_BRK = 0x10104;
/** Bytes and objects now allocated (OBJ_LIVE, OBJ_RCU, OBJ_CACHED), and the highest MM_BYTES so far. u32 */
export const MM_BYTES = 0x10108;
export const MM_OBJECTS = 0x1010c;
export const MM_PEAK = 0x10110;
/** Allocations so far; each object carries its number. u32 */
export const MM_SERIAL = 0x10114;
/** Freed objects not yet up for reuse: FIFO, its bytes, and how many it may keep. u32 */
export const MM_QUARANTINE_HEAD = 0x10118;
export const MM_QUARANTINE_TAIL = 0x1011c;
export const MM_QUARANTINE_BYTES = 0x10120;
export const MM_QUARANTINE_LIMIT = 0x10124;
/** Free blocks above KMALLOC_MAX_CLASS, singly linked. u32 */
export const MM_LARGE = 0x10128;
/** Heads of the free lists, one u32 a size class. */
export const MM_FREE = 0x10140;
export const KMALLOC_CLASSES = 44;
export const KMALLOC_MAX_CLASS = 65536;

/** Fault injection (lib/fault_inject.ts): the request that fails next (1: the next one), 0: none. u32 */
export const M_FAIL_NTH = 0x10200;
/** Share of requests that fail, in 1/2^32; all ones: every one. u32 */
export const M_FAIL_RATE = 0x10204;
/** Requests of the kinds in M_FAIL_KINDS so far, and those of them that were refused by injection. u32 */
export const M_ALLOC_CALLS = 0x10208;
export const M_ALLOC_FAILED = 0x1020c;
/** State of the generator behind M_FAIL_RATE. u64 */
export const M_FAIL_PRNG = 0x10210;
/** Non-zero: irq_work waits until irq_work_run_all is called, as if interrupts came late. u32 */
export const M_IRQ_WORK_DELAYED = 0x10218;

/** Only requests of these FAIL_ kinds count for fault injection, a bit each; 0: all. u32 */
export const M_FAIL_KINDS = 0x1021c;
/** FAIL_ kind of the last request that was refused. u32 */
export const M_FAIL_LAST = 0x10220;
/** Kinds of requests; TypeScript words them (src/kernel/fault.ts). */
export const FAIL_CREATE = 1;
export const FAIL_OBJ = 2;
export const FAIL_PERCPU = 3;
export const FAIL_ELEM = 4;
export const FAIL_LPM = 5;
export const FAIL_STORAGE = 6;
export const FAIL_TIMER = 7;
export const FAIL_ITER = 8;
export const FAIL_FULL = 9;
export const FAIL_LRU = 10;
export const FAIL_RINGBUF = 11;

/** RCU. Number of the newest grace period asked for; readers note it on entry. u64 */
export const M_RCU_SEQ = 0x10280;
/** The highest CPU that ever entered a read section, + 1. u32 */
export const M_RCU_CPUS = 0x10288;
/** Spin lock of the callback lists. u32 */
export const M_RCU_LOCK = 0x1028c;
/** Callback lists (head, tail u32) of rcu and of rcu_tasks_trace. */
export const M_RCU_CALLBACKS = 0x10290;
export const M_RCU_TRACE_CALLBACKS = 0x10298;
/** Callbacks queued and not yet run, both kinds. u32 */
export const M_RCU_PENDING = 0x102a0;
/** Grace periods completed. u32 */
export const M_RCU_COMPLETED = 0x102a4;
/** Non-zero: grace periods end only when rcu_advance is called, never by themselves. u32 */
export const M_RCU_MANUAL = 0x102a8;
/** 1 + the CPU that runs callbacks now, 0: none. u32 */
export const M_RCU_ADVANCING = 0x102ac;

/** struct rcu_head: next u32, RCU_ function u32, number of the grace period that it waits for u64. */
export const RCU_HEAD_SIZE = 16;
/** Functions of call_rcu (assembly/kernel/rcu/callbacks.ts): free_by_rcu and free_rcu of a bpf_mem_cache; kfree. */
export const RCU_FREE_BY_RCU = 1;
export const RCU_FREE_TTRACE = 2;
export const RCU_KFREE = 3;
/** Functions 16.. are the runtime's. */
export const RCU_RUNTIME = 16;

/** struct irq_work: next u32, IRQ_WORK_ function u32, queued u32. */
export const IRQ_WORK_SIZE = 12;
/** Functions of irq_work (assembly/kernel/irq_work.ts). 16.. are the runtime's. */
export const IRQ_WORK_MEM_REFILL = 1;
export const IRQ_WORK_RUNTIME = 16;

/** struct bpf_mem_cache, offsets. Counters u32, list heads u32. */
export const MC_FREE = 0;
export const MC_FREE_CNT = 4;
/** Bytes of an object with its list node, as the kernel counts; watermarks and batch follow from it. */
export const MC_UNIT_SIZE = 8;
export const MC_LOW = 12;
export const MC_HIGH = 16;
export const MC_BATCH = 20;
export const MC_TAG = 24;
export const MC_TGT = 28;
export const MC_BY_RCU = 32;
export const MC_WAITING = 40;
export const MC_CALL_RCU = 48;
export const MC_BY_TTRACE = 52;
export const MC_WAITING_TTRACE = 56;
export const MC_CALL_TTRACE = 60;
export const MC_LOCK = 64;
export const MC_DRAINING = 68;
export const MC_IRQ_WORK = 72;
/** struct bpf_mem_alloc that it belongs to. */
export const MC_MA = 84;
export const MC_RCU = 88;
export const MC_RCU_TTRACE = 104;
/** Bytes of an object as its user sees it. */
export const MC_OBJ_SIZE = 120;
export const MC_SIZE = 128;
/** struct bpf_mem_alloc: object size (0: 11 caches by size), tag, caches of CPU 0, 1, .. one behind the other. */
export const MA_OBJ_SIZE = 0;
export const MA_TAG = 4;
export const MA_CACHES = 8;
/** Callbacks that still need it after its end. u32 */
export const MA_PENDING = 12;
export const MA_SIZE = 16;
/** struct bpf_mem_alloc * of the cpumasks and of bpf_obj_new. u32 each */
export const M_CPUMASK_MA = 0x10300;
export const M_GLOBAL_MA = 0x10304;
/** Records in the warning ring so far; record n lies at WARNINGS + (n % WARNINGS_MAX) * WARNING_SIZE. u32 */
export const M_WARNINGS = 0x10400;
/** Offsets 0x410.. of struct machine: printk, trace stream. */
export const M_LOG = 0x10410;
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
/** M_RCU_SEQ noted by the outermost rcu_read_lock, 0 outside. u64 */
export const PC_RCU_READER = 64;
/** The same for rcu_read_lock_trace. u64 */
export const PC_RCU_TRACE_READER = 72;
/** Nesting of both. u32 */
export const PC_RCU_NESTING = 80;
export const PC_RCU_TRACE_NESTING = 84;
/** Non-zero once M_RCU_CPUS covers this CPU. u32 */
export const PC_RCU_SEEN = 88;
/** irq_work queued on this CPU, first and last. u32 */
export const PC_IRQ_WORK = 92;
export const PC_IRQ_WORK_TAIL = 96;
/** Non-zero while irq_work runs here. u32 */
export const PC_IN_IRQ_WORK = 100;
/** Locks that this CPU holds: how many, and where the first LOCKS_HELD_MAX of them are, outermost first. u32 each */
export const PC_LOCKS_HELD = 104;
export const PC_LOCKS = 108;
export const LOCKS_HELD_MAX = 8;
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
/** Stack of a function that has returned. */
export const SHADOW_RETURNED = 0xf5;
/** Added to 1..8: a context field that may stand for something else; only the interpreter looks (bpf/mem.ts). */
export const SHADOW_CTX = 0x20;
/** First byte of the shadow: that of offset x lies at SHADOW + (x >> 3). */
export const SHADOW = 0x40000;

/** Header before every object of kmalloc; offsets from the object, all u32. */
export const OBJ_HEADER = 32;
export const OBJ_SIZE = 0;
/** ALLOC_ tag: what it is. */
export const OBJ_TAG = 4;
/** PC_SITE when it was allocated, and when it was last freed. */
export const OBJ_ALLOC_SITE = 8;
export const OBJ_FREE_SITE = 12;
/** OBJ_ state below. */
export const OBJ_STATE = 16;
/** Bytes from the object to the next header. */
export const OBJ_CAPACITY = 20;
/** Next in whichever list it is in; for live objects of bpf_mem_alloc their home cache. */
export const OBJ_LINK = 24;
/** Number of the allocation. */
export const OBJ_SERIAL = 28;

/** States: free for kmalloc; live; freed and kept from reuse; free in a bpf_mem_alloc cache; freed, awaiting its grace period. */
export const OBJ_FREE = 0;
export const OBJ_LIVE = 1;
export const OBJ_QUARANTINE = 2;
export const OBJ_CACHED = 3;
export const OBJ_RCU = 4;

/** What an object is. Add rows at the end; TypeScript words them (src/kernel/memory.ts). */
export const ALLOC_KERNEL = 1;
export const ALLOC_PERCPU = 2;
export const ALLOC_BPF_CPUMASK = 3;
export const ALLOC_BPF_OBJ = 4;
export const ALLOC_MAP = 5;
export const ALLOC_MAP_ELEM = 6;
export const ALLOC_TASK = 7;
export const ALLOC_PROG = 8;
export const ALLOC_STACK = 9;
export const ALLOC_BUFFER = 10;
export const ALLOC_MEM_CACHE = 11;
export const ALLOC_LOCAL_STORAGE = 12;
/** struct bpf_async: a timer or work item. */
export const ALLOC_ASYNC = 13;

/** Ring of warnings: u32 kind, u32 cpu, u32 site, u32 number, then two u32 arguments and 8 spare bytes. */
export const WARNINGS = 0x20000;
export const WARNING_SIZE = 32;
export const WARNINGS_MAX = 512;
/** Kinds; a: arguments. TypeScript words them (src/kernel/warnings.ts). */
/** a: refcount_t *; saturated by an addition. */
export const WARN_REFCOUNT_ADD_OVF = 1;
/** a: refcount_t *; addition on 0. */
export const WARN_REFCOUNT_ADD_UAF = 2;
/** a: refcount_t *; subtraction below 0. */
export const WARN_REFCOUNT_SUB_UAF = 3;
/** a: refcount_t *; decrement hit 0. */
export const WARN_REFCOUNT_DEC_LEAK = 4;
/** a: object; freed twice. */
export const WARN_DOUBLE_FREE = 5;
/** a: pointer that is no object; freed. */
export const WARN_BAD_FREE = 6;
/** a: nesting; rcu_read_unlock, preempt_enable, ... without its lock. */
export const WARN_UNBALANCED = 7;
/** a: cache, count; bpf_mem_alloc lost count of its free list. */
export const WARN_MEM_CACHE = 8;
/** Kinds 32.. are the runtime's (maps, helpers), 64.. the interpreter's. */
export const WARN_RUNTIME = 32;
export const WARN_INTERP = 64;

/** Printk ring and trace stream lie from here to SHADOW. */
export const LOG_AREA = 0x28000;
