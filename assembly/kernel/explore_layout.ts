/**
 * Exploration: what kernel.wasm notes of each access while every interleaving of a few programs is tried (src/explore). Like
 * layout.ts: untyped integer constants, read by AssemblyScript and TypeScript.
 */

/** struct explore, in struct machine's page. Absolute offsets; u32 each. */
export const EXPLORE = 0x18000;
/** Undo log: first byte, next entry, end. 0 as the next entry: nothing is noted. */
export const X_LOG = 0x18000;
export const X_LOG_AT = 0x18004;
export const X_LOG_END = 0x18008;
/** What the step has touched so far: first byte, next entry, end. */
export const X_TOUCHED = 0x1800c;
export const X_TOUCHED_AT = 0x18010;
export const X_TOUCHED_END = 0x18014;
/** CLASS_ of each granule from address 0: first byte of the table, granules. Where the heap begins; what lies before is private. */
export const X_CLASSES = 0x18018;
export const X_CLASSES_COUNT = 0x18020;
export const X_HEAP = 0x1801c;
/** Which thread steps, or X_NOBODY: a grace period, whose accesses make nothing shared. */
export const X_THREAD = 0x18024;
export const X_NOBODY = 0xff;
/** Non-zero once the step has touched shared memory. */
export const X_STOP = 0x18028;
/** Non-zero once a log was full: what was noted is not all. */
export const X_OVERFLOW = 0x1802c;
/** Non-zero once memory has become shared that was not. */
export const X_FRESH = 0x18038;
/** A byte of WIDE_ bits a kfunc id. */
export const X_WIDE = 0x18030;
export const X_WIDE_COUNT = 0x18034;
/** Where the wide operation at hand is left: UNTIL_SHARED, UNTIL_END, or so many of its accesses. */
export const X_UNTIL = 0x1803c;
export const UNTIL_SHARED = 0;
export const UNTIL_END = 0xffffffff;
/** CPUs of a mask whose change by another thread the step undid: the bits of a word, and which word that is. u64, u32 */
export const X_LOST = 0x18040;
export const X_LOST_WORD = 0x18048;

/** Two granules: who looks at the clock touches the first, who takes a random number the second. 0: nobody explores. */
export const X_CLOCK = 0x1804c;
/** Lock of another CPU that an instruction met, or state of a callback that is waited for: u32 there; 0: none. */
export const X_WAITS_FOR = 0x18050;

/**
 * A wide operation works on masks word by word: of each word it reads one source after the other, and then writes what comes out.
 * WIDE_WRITES: it writes argument 1. WIDE_READS: it reads argument 1, and the next bits 2 and 3; WIDE_SOURCES: any of them. WIDE_LARGE: up
 * to large_cpumask_bits, not small_. WIDE_SIZED: argument 3 is the length of argument 2.
 */
export const WIDE_WRITES = 1;
export const WIDE_READS = 2;
export const WIDE_SOURCES = 14;
export const WIDE_LARGE = 16;
export const WIDE_SIZED = 32;
/** Masks that are at most among its arguments. */
export const WIDE_ARGS = 3;

/** An entry of the undo log: address u32, unused u32, the 8 bytes that were there. */
export const LOG_ENTRY = 16;
/** Bytes of the log that are kept for one instruction: with less no other one begins. */
export const LOG_RESERVE = 0x100000;
/** An entry of what a step touched: address u32, bytes * 2 + (1 when it wrote) u32. */
export const TOUCHED_ENTRY = 8;

/** Bytes of a granule: what one CLASS_ holds for. */
export const GRANULE = 32;
export const GRANULE_SHIFT = 5;
/** Nobody has touched it. Values up to CLASS_PRIVATE say who has: 1 + thread, and the CLASS_ bits below. */
export const CLASS_UNTOUCHED = 0;
/** More than one thread has read it, nobody has written it. */
export const CLASS_READ_BY_MANY = 0x40;
/** That thread has written it. */
export const CLASS_WRITTEN = 0x80;
/** Two threads touch it and one writes: steps end behind such accesses, and they are noted. */
export const CLASS_SHARED = 0xfe;
/** Nobody else's business: registers, stacks, instructions, free lists. Loads of it are not noted. */
export const CLASS_PRIVATE = 0xff;

/** struct explore_thread: a program on a CPU, or what runs the callbacks of a timer or work item. Offsets; u32 each. struct interp, per-CPU area, whether it may sleep. */
export const XT_INTERP = 0;
export const XT_PERCPU = 4;
export const XT_SLEEPABLE = 8;
/** XT_ state. */
export const XT_STATE = 12;
/** Accesses that the wide operation at hand has made; 0: none is at hand. */
export const XT_ACCESSES = 16;
/** Instructions so far. */
export const XT_INSNS = 20;
/** Masks of its own that a wide operation works on, one an argument, and the bytes of each; its registers lie before them. */
export const XT_SCRATCH = 24;
export const XT_SCRATCH_SIZE = 28;
export const SCRATCH_REGS = 48;
/** struct bpf_async whose callback has to end before it goes on; 0: none. */
export const XT_WAITS = 32;
/** A callback: struct bpf_async that it is of, 0 when none runs; callbacks begun so far. */
export const XT_ASYNC = 36;
export const XT_RUNS = 40;
export const XT_SIZE = 48;

export const XT_NEW = 0;
export const XT_RUNNING = 1;
export const XT_EXITED = 2;
export const XT_FAULT = 3;

/** What explore_step returns: it touched shared memory, or left a read section; it ended; it waits for a lock or a callback; it is within a wide operation. */
export const STEP_SHARED = 0;
export const STEP_ENDED = 1;
export const STEP_BLOCKED = 2;
export const STEP_WIDE = 3;
/** It has used up its budget, or the undo log has no room for more. */
export const STEP_BUDGET = 4;

/** BPF_FUNC_spin_lock: who calls it while another holds the lock has to wait. */
export const HELPER_SPIN_LOCK = 93;
