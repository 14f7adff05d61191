/**
 * The state space of a few programs on a machine: threads that can be stepped from one access to shared memory to the next, and
 * gone back with. The machine's kernel.wasm is the instrumented one (instrument.ts), which keeps an undo log and notes what
 * each step touched.
 */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import * as prog from '../../assembly/kernel/bpf/prog_layout.ts';
import * as x from '../../assembly/kernel/explore_layout.ts';
import * as layout from '../../assembly/layout.ts';
import { opNumber } from '../engine/ops.ts';
import { InputError, NotSupported } from '../errors.ts';
import { KFUNCS } from '../kernel/bpf/kfuncs/index.ts';
import type { KfuncRow } from '../kernel/bpf/rows.ts';
import { CpuMask } from '../kernel/cpu_mask.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { Machine } from '../machine/machine.ts';
import type { Program, ProgramRunOptions } from '../machine/run.ts';
import { MOVES_RCU_QUEUES, MOVES_RCU_RELEASES } from './path.ts';
import type { Touched } from './ranges.ts';

/** A program that runs on a CPU. */
export interface ThreadSpec {
  readonly cpu: number;
  readonly program: Program;
  /** It interrupts what runs on its CPU, and runs to its end before that goes on. */
  readonly irq?: boolean;
  readonly options?: Omit<ProgramRunOptions, 'cpu' | 'budget'>;
}

const LOG_BYTES = 4 << 20;
const TOUCHED_BYTES = 256 << 10;
/** Room for what a step touches besides memory: see collectRcu. */
const RCU_WORDS = 8;
/** Instructions of one step: what runs longer without touching shared memory does not end. */
const STEP_INSNS = 1 << 20;

const SOURCE = 'const struct cpumask *';

/** Kinds of read sections. */
const READING = 1;
const READING_TRACE = 2;

/** What only its own thread looks at, or the control plane. */
const PRIVATE: ReadonlySet<number> = new Set([
  layout.ALLOC_PROG,
  layout.ALLOC_STACK,
  layout.ALLOC_MEM_CACHE,
  layout.ALLOC_BUFFER,
  layout.ALLOC_KERNEL,
]);

/** WIDE_ bits of a kfunc: which masks it reads and writes word by word, from its row. */
function wideOf({ proto, wholeMask: { fills, large, sized } = {} }: KfuncRow): number {
  if (sized) return x.WIDE_WRITES | (x.WIDE_READS << 1) | x.WIDE_SIZED;
  const args = (/\((.*)\)$/.exec(proto)?.[1] ?? '').split(',').map((arg) => arg.trim());
  const sources = args.reduce((bits, arg, i) => (arg.startsWith(SOURCE) ? bits | (x.WIDE_READS << i) : bits), 0);
  const writes = args[0]?.startsWith('struct bpf_cpumask *') && (sources > 0 || fills === true);
  const bits = sources | (writes ? x.WIDE_WRITES : 0) | (large ? x.WIDE_LARGE : 0);
  return args[0]?.startsWith('u32 cpu') ? 0 : bits;
}

const WIDE = KFUNCS.map(wideOf);
const CALL_KFUNC = opNumber('call_kfunc');
const SOURCES = [0, 1, 2].map((arg) => x.WIDE_READS << arg);

/** An access to one word of a mask. */
export interface MaskAccess {
  readonly writes: boolean;
  readonly word: number;
  /** Words that the operation is about. */
  readonly words: number;
}

export class Space {
  readonly memory: KernelMemory;
  /** Programs; behind them, as number `threads.length`, grace periods. */
  readonly threads: readonly ThreadSpec[];
  /** Offsets of struct explore_thread. */
  readonly #at: readonly number[];
  readonly #classes: number;
  readonly #touched: number;
  /** What the last step touched; entries up to `touchedLength`. */
  readonly touched: Touched = new Int32Array(TOUCHED_BYTES / 4 + RCU_WORDS);
  touchedLength = 0;
  /** Lock of another CPU that the last step met; 0: none. */
  #waitsFor = 0;
  /** Allocations that the last step asked for. */
  allocations = 0;
  /** MOVES_RCU_: what the last step was to grace periods. */
  movesRcu = 0;
  /** CPUs of a mask that another thread changed between the two halves of the wide operation which the last step ended. */
  lost: CpuMask | null = null;

  constructor(
    readonly machine: Machine,
    threads: readonly ThreadSpec[],
    /** Runs when all have ended; see runCheck. */
    readonly check: ThreadSpec | null = null,
  ) {
    const { memory } = machine;
    this.memory = memory;
    this.threads = threads;
    machine.cpuTasks.spread([...threads, ...(check ? [check] : [])].map(({ cpu }) => cpu));
    this.#at = [...threads, ...(check ? [check] : [])].map((thread) => this.#prepare(thread));
    memory.setU32(layout.M_RCU_MANUAL, 1);
    const table = memory.kmalloc(WIDE.length, layout.ALLOC_BUFFER);
    memory.write(table, Uint8Array.from(WIDE));
    const log = memory.kmalloc(LOG_BYTES, layout.ALLOC_BUFFER);
    // One entry is left free before the first: what comes next is compared with what came before.
    this.#touched = memory.kmalloc(TOUCHED_BYTES, layout.ALLOC_BUFFER) + x.TOUCHED_ENTRY;
    const heap = memory.u32At(layout.M_HEAP);
    const granules = memory.u32At(layout.M_MEMORY_LIMIT) >> x.GRANULE_SHIFT;
    this.#classes = memory.kmalloc(granules, layout.ALLOC_BUFFER);
    const clock = memory.kmalloc(3 * x.GRANULE, layout.ALLOC_BUFFER);
    const clockGranule = (clock + x.GRANULE - 1) >> x.GRANULE_SHIFT;
    const words: readonly (readonly [number, number])[] = [
      [x.X_WIDE, table],
      [x.X_WIDE_COUNT, WIDE.length],
      [x.X_TOUCHED, this.#touched],
      [x.X_TOUCHED_AT, this.#touched],
      [x.X_TOUCHED_END, this.#touched - x.TOUCHED_ENTRY + TOUCHED_BYTES],
      [x.X_CLASSES, this.#classes],
      [x.X_CLASSES_COUNT, granules],
      [x.X_HEAP, heap],
      [x.X_CLOCK, clockGranule << x.GRANULE_SHIFT],
      [x.X_LOG, log],
      [x.X_LOG_END, log + LOG_BYTES],
    ];
    for (const [field, value] of words) memory.setU32(field, value);
    memory.u8().fill(x.CLASS_PRIVATE, this.#classes, this.#classes + (heap >> x.GRANULE_SHIFT));
    this.#classify();
    memory.u8().fill(x.CLASS_UNTOUCHED, this.#classes + clockGranule, this.#classes + clockGranule + 2);
    memory.setU32(x.X_LOG_AT, log);
  }

  /** Number of the process that ends grace periods. */
  get rcu(): number {
    return this.threads.length;
  }

  #prepare({ cpu, program, options }: ThreadSpec): number {
    const { memory } = this;
    const run = program.begin({ ...options, cpu });
    const at = memory.kmalloc(x.XT_SIZE, layout.ALLOC_BUFFER);
    const mask = Math.ceil(memory.u32At(layout.M_BPF_CPUMASK_SIZE) / 32) * 32;
    const words: readonly (readonly [number, number])[] = [
      [x.XT_INTERP, run.state],
      [x.XT_PERCPU, memory.percpu(cpu)],
      [x.XT_SLEEPABLE, run.sleepable ? 1 : 0],
      // Kernel memory for masks: the operation reads and writes them as it does any.
      [x.XT_SCRATCH, memory.kmalloc(x.SCRATCH_REGS + x.WIDE_ARGS * mask, layout.ALLOC_BUFFER)],
      [x.XT_SCRATCH_SIZE, mask],
    ];
    for (const [field, value] of words) memory.setU32(at + field, value);
    return at;
  }

  #classify(): void {
    const { memory } = this;
    const classes = memory.u8();
    const percpu = memory.u32At(layout.M_PERCPU);
    for (const { offset, size, tag, state } of memory.objects()) {
      if (state === layout.OBJ_FREE || !(PRIVATE.has(tag) || offset === percpu)) continue;
      const from = (offset - layout.OBJ_HEADER) >> x.GRANULE_SHIFT;
      const to = (offset + size - 1) >> x.GRANULE_SHIFT;
      classes.fill(x.CLASS_PRIVATE, this.#classes + from, this.#classes + to + 1);
    }
  }

  /** Has memory become shared that was not, since this was last asked? Then steps end at other places than before. */
  takeFresh(): boolean {
    const fresh = this.memory.u32At(x.X_FRESH) !== 0;
    this.memory.setU32(x.X_FRESH, 0);
    return fresh;
  }

  #at32(offset: number): number {
    return this.memory.u32At(offset);
  }

  #set(offset: number, value: number): void {
    this.memory.setU32(offset, value);
  }

  /** Where the undo log ends now: what `undo` goes back to. */
  mark(): number {
    return this.#at32(x.X_LOG_AT);
  }

  undo(mark: number): void {
    this.memory.exports.explore_note_undo(mark);
  }

  /** XT_ state of a thread. */
  state(thread: number): number {
    return this.#at32((this.#at[thread] as number) + x.XT_STATE);
  }

  /** Instructions that a thread has run. */
  insns(thread: number): number {
    return this.#at32((this.#at[thread] as number) + x.XT_INSNS);
  }

  /** What a thread returned, as s32; null while it goes on, or when it faulted. */
  retval(thread: number): number | null {
    return this.state(thread) === x.XT_EXITED ? this.#at32(this.interp(thread) + prog.IC_REGS) | 0 : null;
  }

  /** Offset of a thread's struct interp. */
  interp(thread: number): number {
    return this.#at32((this.#at[thread] as number) + x.XT_INTERP);
  }

  /** Index of the instruction that a thread runs next. */
  insn(thread: number): number {
    const ic = this.interp(thread);
    const first = this.#at32(this.#at32(ic + prog.IC_PROG) + prog.BP_INSNS);
    return (this.#at32(ic + prog.IC_PC) - first) >> prog.INSN_SHIFT;
  }

  /** Accesses that a thread has made of the operation on whole masks that it is within; 0: it is in none. */
  accesses(thread: number): number {
    return this.#at32((this.#at[thread] as number) + x.XT_ACCESSES);
  }

  /** An access of the operation on whole masks that a thread is at: number `nth`, from 1, or the last; null when it is at none. */
  accessOf(thread: number, nth = Number.POSITIVE_INFINITY): MaskAccess | null {
    const { memory } = this;
    const pc = this.#at32(this.interp(thread) + prog.IC_PC);
    const [op, id] = [memory.u8()[pc + prog.II_OP], this.#at32(pc + prog.II_IMM)];
    const wide = op === CALL_KFUNC ? (WIDE[id] ?? 0) : 0;
    if (wide === 0) return null;
    const bits = this.#at32(wide & x.WIDE_LARGE ? layout.M_LARGE_CPUMASK_BITS : layout.M_SMALL_CPUMASK_BITS);
    const words = Math.ceil(bits / 64);
    const sources = SOURCES.filter((source) => wide & source).length;
    const each = sources + (wide & x.WIDE_WRITES);
    const at = Math.min(nth, words * each) - 1;
    return { writes: at % each === sources, word: Math.floor(at / each), words };
  }

  /** Are interrupts on, on a thread's CPU? */
  irqsOn(thread: number): boolean {
    const percpu = this.#at32((this.#at[thread] as number) + x.XT_PERCPU);
    return this.#at32(percpu + layout.PC_IRQ_OFF) === 0;
  }

  /** Can a grace period end now that somebody waits for? */
  rcuReady(): boolean {
    return this.memory.exports.rcu_ready() !== 0;
  }

  /**
   * Runs process `p` up to and including its next access to shared memory. Returns STEP_; touched memory is in `touched`.
   * @param fail - which allocation of this step gives NULL, from 1; 0: none
   * @param budget - most instructions, to replay a part of a step
   * @param until - accesses of an operation on whole masks, or UNTIL_
   */
  step(p: number, fail = 0, budget = STEP_INSNS, until: number = x.UNTIL_SHARED): number {
    const { memory } = this;
    const { exports } = memory;
    const calls = this.#at32(layout.M_ALLOC_CALLS);
    const pending = this.#at32(layout.M_RCU_PENDING);
    const blocked = this.#blocksRcu(p);
    const reading = this.#sections(p);
    this.#set(x.X_TOUCHED_AT, this.#touched);
    this.#set(x.X_THREAD, p === this.rcu ? x.X_NOBODY : p);
    let status: number = x.STEP_SHARED;
    if (p === this.rcu) {
      exports.explore_grace_period(memory.percpu(0));
    } else {
      const thread = this.#at[p] as number;
      this.#set(layout.M_FAIL_NTH, fail);
      this.#set(x.X_UNTIL, until);
      status = this.#advance(thread, budget);
    }
    this.#set(layout.M_FAIL_NTH, 0);
    this.allocations = this.#at32(layout.M_ALLOC_CALLS) - calls;
    this.movesRcu = this.#movesRcu(p, pending, blocked);
    this.lost = p === this.rcu ? null : this.#lostCpus();
    if (status === x.STEP_BLOCKED) this.#collectLock();
    else {
      this.#collect();
      this.#collectRcu(p, this.#sections(p) & ~reading);
    }
    if (this.#at32(x.X_OVERFLOW)) {
      throw new InputError('explore', '', 'one path is too long to go back on; explore smaller programs');
    }
    if (this.#at32(map.M_TIMERS) || this.#at32(map.M_WORKS)) {
      const name = this.threads[p]?.program.name ?? 'the set-up';
      throw new NotSupported(`exploring callbacks of timers and work queues (${name} has started one)`);
    }
    if (status === x.STEP_BUDGET && budget === STEP_INSNS) {
      throw new InputError(this.threads[p]?.program.name ?? '', '', `runs ${STEP_INSNS} instructions without an end`);
    }
    return status;
  }

  /** Runs the check to its end, alone. Gives what it returned; null when it faulted. */
  runCheck(): number | null {
    const thread = this.#at[this.threads.length] as number;
    this.#set(x.X_THREAD, x.X_NOBODY);
    let status: number = x.STEP_SHARED;
    this.#set(x.X_UNTIL, x.UNTIL_END);
    while (status === x.STEP_SHARED) {
      this.#set(x.X_TOUCHED_AT, this.#touched);
      status = this.#advance(thread, STEP_INSNS);
    }
    return status === x.STEP_ENDED ? this.retval(this.threads.length) : null;
  }

  /** explore_step. Who meets a lock within an instruction is left where the step began, and `waitsFor` names the lock. */
  #advance(thread: number, budget: number): number {
    const { exports } = this.memory;
    const begin = this.mark();
    try {
      const status = exports.explore_step(thread, budget);
      this.#waitsFor = this.#at32(x.X_WAITS_FOR);
      return status;
    } catch (error) {
      this.#waitsFor = this.#at32(x.X_WAITS_FOR);
      if (this.#waitsFor === 0 || !(error instanceof WebAssembly.RuntimeError)) throw error;
      this.undo(begin);
      return x.STEP_BLOCKED;
    }
  }

  /** CPUs whose change by another thread the last step undid. */
  #lostCpus(): CpuMask | null {
    const [low, high] = [this.#at32(x.X_LOST), this.#at32(x.X_LOST + 4)];
    if (low === 0 && high === 0) return null;
    const first = 64 * this.#at32(x.X_LOST_WORD);
    const cpus = Array.from({ length: 64 }, (_, i) => i).filter((i) => ((i < 32 ? low : high) >>> (i & 31)) & 1);
    return CpuMask.of(...cpus.map((i) => first + i));
  }

  /** Does a read section of a thread hold back a callback that waits? */
  #blocksRcu(p: number): boolean {
    const { memory } = this;
    if (p === this.rcu || this.#at32(layout.M_RCU_PENDING) === 0) return false;
    return memory.exports.rcu_blocks(this.#at32((this.#at[p] as number) + x.XT_PERCPU)) !== 0;
  }

  #movesRcu(p: number, pending: number, blocked: boolean): number {
    const now = this.#at32(layout.M_RCU_PENDING);
    if (p === this.rcu ? now > 0 : now > pending) return MOVES_RCU_QUEUES;
    return blocked && !this.#blocksRcu(p) ? MOVES_RCU_RELEASES : 0;
  }

  /** Read sections that a thread is in: READING_. */
  #sections(p: number): number {
    if (p === this.rcu) return 0;
    const percpu = this.#at32((this.#at[p] as number) + x.XT_PERCPU);
    const plain = this.#at32(percpu + layout.PC_RCU_NESTING) ? READING : 0;
    return this.#at32(percpu + layout.PC_RCU_TRACE_NESTING) ? plain | READING_TRACE : plain;
  }

  /**
   * A read section holds back what is queued after it began, and nothing else: so a step in which one begins depends on steps that
   * queue. As if each thread had a word for either list, which it writes when it queues, and who begins to read reads all of
   * them. Grace periods for `rcu_read_lock_trace` wait for both kinds of readers.
   */
  #collectRcu(p: number, began: number): void {
    const lists = 8 * this.threads.length;
    if (began) this.#touch(began & READING ? 0 : lists, 2 * lists, 0);
    if (p === this.rcu || this.movesRcu !== MOVES_RCU_QUEUES) return;
    if (this.#at32(layout.M_RCU_CALLBACKS)) this.#touch(8 * p, 8 * p + 8, 1);
    if (this.#at32(layout.M_RCU_TRACE_CALLBACKS)) this.#touch(lists + 8 * p, lists + 8 * p + 8, 1);
  }

  #touch(from: number, end: number, write: 0 | 1): void {
    this.touched[this.touchedLength++] = from;
    this.touched[this.touchedLength++] = end * 2 + write;
  }

  /** A step that waits for a lock touches that. */
  #collectLock(): void {
    this.touchedLength = 0;
    this.#touch(this.#waitsFor, this.#waitsFor + 4, 1);
  }

  #collect(): void {
    const { touched } = this;
    const end = this.#at32(x.X_TOUCHED_AT);
    let n = 0;
    for (let at = this.#touched; at < end; at += x.TOUCHED_ENTRY) {
      const from = this.#at32(at);
      const word = this.#at32(at + 4);
      touched[n++] = from;
      touched[n++] = (from + (word >>> 1)) * 2 + (word & 1);
    }
    this.touchedLength = n;
  }
}
