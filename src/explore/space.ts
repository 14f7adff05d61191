/**
 * The state space of a few programs on a machine: threads that can be stepped from one access to shared memory to the next, and
 * gone back with. The machine's kernel.wasm is the instrumented one (instrument.ts), which keeps an undo log and notes what
 * each step touched.
 */
import * as prog from '../../assembly/kernel/bpf/prog_layout.ts';
import * as x from '../../assembly/kernel/explore_layout.ts';
import * as layout from '../../assembly/layout.ts';
import { opNumber } from '../engine/ops.ts';
import { InputError } from '../errors.ts';
import type { CpuMask } from '../kernel/cpu_mask.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { Machine } from '../machine/machine.ts';
import type { Program, ProgramRunOptions } from '../machine/run.ts';
import { type CallbackRun, Callbacks } from './callbacks.ts';
import { classify, sharedDigest } from './classes.ts';
import { mayRun } from './contexts.ts';
import { bit, MOVES_RCU_QUEUES, MOVES_RCU_RELEASES, type StepFacts } from './path.ts';
import { holdsBackRcu, READING, readSections } from './read_sections.ts';
import { newThread } from './thread.ts';
import { RCU_PLAIN, RCU_TRACE, Touches } from './touches.ts';
import { lostCpus, type MaskAccess, maskAccess, WIDE } from './wide.ts';

/** A program that runs on a CPU. */
export interface ThreadSpec {
  readonly cpu: number;
  readonly program: Program;
  /** It interrupts what runs on its CPU, and runs to its end before that goes on. */
  readonly irq?: boolean;
  readonly options?: Omit<ProgramRunOptions, 'cpu' | 'budget' | 'timeLimitMs'>;
}

const LOG_BYTES = (4 << 20) + x.LOG_RESERVE;
const TOUCHED_BYTES = 256 << 10;
/** Programs, grace periods, callbacks: bits of an integer. */
const MAX_PROCESSES = 31;
/** Instructions of one step: what runs longer without touching shared memory is not waited for. */
const STEP_INSNS = 1 << 20;

const CALL_KFUNC = opNumber('call_kfunc');

export class Space {
  readonly memory: KernelMemory;
  /** Programs; behind them, as number `threads.length`, grace periods, and behind that callbacks. */
  readonly threads: readonly ThreadSpec[];
  readonly callbacks: Callbacks;
  /** Offsets of struct explore_thread. */
  readonly #at: readonly number[];
  readonly #classes: number;
  readonly #touched: number;
  /** Lock or callback of another CPU that the last step met; 0: none. */
  #waitsFor = 0;
  /** What the last step touched, and what it was to grace periods. */
  readonly facts = new Touches(TOUCHED_BYTES / 4);
  /** Was any of it memory, or a read section? */
  touchedShared = false;
  /** Requests of the last step that could have been refused. */
  allocations = 0;
  /** The last step, or check, was not run to its end: the path is too long to go back on. */
  tooLong = false;
  /** CPUs of a mask that another thread changed between the two halves of the wide operation which the last step ended. */
  lost: CpuMask | null = null;
  /** Callbacks that were pending before the last step and are not any more, as bits. */
  withdrawn = 0;
  /** Callbacks::place of each before the last step. */
  readonly #places: number[] = [];
  #foundCallback = false;

  constructor(
    readonly machine: Machine,
    threads: readonly ThreadSpec[],
    /** Runs when all have ended; see runCheck. */
    readonly check: ThreadSpec | null = null,
    /** Callbacks that each timer and work item may begin on one path. */
    callbacks = 2,
  ) {
    const { memory } = machine;
    this.memory = memory;
    this.threads = threads;
    const maps = [...new Set(threads.map(({ program }) => program.object))].flatMap((object) => object.maps);
    const room = MAX_PROCESSES - 1 - threads.length;
    this.callbacks = new Callbacks(machine, { maps, cpus: threads.map(({ cpu }) => cpu), most: callbacks, room });
    const all = [...threads, ...(check ? [check] : [])];
    machine.cpuTasks.spread([...all.map(({ cpu }) => cpu), ...this.callbacks.workerCpus]);
    this.#at = all.map((thread) => this.#prepare(thread));
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
    classify(memory, this.#classes);
    memory.u8().fill(x.CLASS_UNTOUCHED, this.#classes + clockGranule, this.#classes + clockGranule + 2);
    memory.setU32(x.X_LOG_AT, log);
  }

  /** Which FAIL_ kinds may fail, a bit each; 0: all. */
  mayFail(kinds: number): void {
    this.memory.setU32(layout.M_FAIL_KINDS, kinds);
  }

  /** Number of the process that ends grace periods. */
  get rcu(): number {
    return this.threads.length;
  }

  /** Programs, grace periods and callbacks. */
  get processes(): number {
    return this.threads.length + 1 + this.callbacks.length;
  }

  /** Which of the callbacks a process is; negative: none. */
  callback(p: number): number {
    return p - this.threads.length - 1;
  }

  /** The same number for a process in every exploration of these programs. */
  identity(p: number): number {
    return p <= this.rcu ? p : this.callbacks.field(this.callback(p));
  }

  /** Number of the callback that schedules name so; null when there can be none. */
  callbackNamed(name: string): number | null {
    const found = this.callbacks.named(name);
    return found === null ? null : this.rcu + 1 + found;
  }

  /** Makes processes of the callbacks that were found; memory is as at first. */
  adoptCallbacks(): void {
    this.callbacks.adopt();
  }

  #prepare({ cpu, program, options }: ThreadSpec): number {
    const run = program.begin({ ...options, cpu });
    return newThread(this.memory, run.state, this.memory.percpu(cpu), run.sleepable);
  }

  /**
   * Has memory become shared that was not, or a callback been found, since this was last asked? Then steps end at other places
   * than before, or there are more of them.
   */
  takeFresh(): boolean {
    const fresh = this.memory.u32At(x.X_FRESH) !== 0 || this.#foundCallback;
    this.memory.setU32(x.X_FRESH, 0);
    this.#foundCallback = false;
    return fresh;
  }

  /** Equal where steps end at the same places: the same memory is known to be shared, and the same callbacks. */
  get known(): string {
    const { memory } = this;
    return `${sharedDigest(memory, this.#classes, memory.u32At(x.X_CLASSES_COUNT)).toString(16)}-${this.callbacks.length}`;
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

  /** Offset of a process's struct explore_thread; that of the check is behind the threads'. */
  #thread(p: number): number {
    return p > this.rcu ? this.callbacks.thread(this.callback(p)) : (this.#at[p] as number);
  }

  /** XT_ state of a process; a callback that is pending is new. */
  state(p: number): number {
    return p > this.rcu ? this.callbacks.state(this.callback(p)) : this.#at32((this.#at[p] as number) + x.XT_STATE);
  }

  /** Has every program and every callback come to its end? */
  get ended(): boolean {
    for (let p = 0; p < this.processes; p++) if (p !== this.rcu && this.state(p) < x.XT_EXITED) return false;
    return true;
  }

  /** CPU that a process runs on, or would. */
  cpuOf(p: number): number {
    return this.threads[p]?.cpu ?? this.callbacks.cpu(this.callback(p));
  }

  /** Does a process's CPU let it go on? */
  mayRun(p: number): boolean {
    return mayRun(this, p);
  }

  /** How schedules name a callback. */
  callbackName(p: number): string {
    return this.callbacks.name(this.callback(p));
  }

  /** The callback that a process has just begun. */
  callbackRun(p: number): CallbackRun {
    return this.callbacks.run(this.callback(p));
  }

  /** Id of the program that a process runs, or ran last. */
  programId(p: number): number {
    return this.#at32(this.#at32(this.interp(p) + prog.IC_PROG) + prog.BP_ID);
  }

  /** Instructions that a thread has run. */
  insns(thread: number): number {
    return this.#at32(this.#thread(thread) + x.XT_INSNS);
  }

  /** What a thread returned, as s32; null while it goes on, or when it faulted. */
  retval(thread: number): number | null {
    return this.state(thread) === x.XT_EXITED ? this.#at32(this.interp(thread) + prog.IC_REGS) | 0 : null;
  }

  /** Offset of a thread's struct interp. */
  interp(thread: number): number {
    return this.#at32(this.#thread(thread) + x.XT_INTERP);
  }

  /** Index of the instruction that a thread runs next. */
  insn(thread: number): number {
    const ic = this.interp(thread);
    const first = this.#at32(this.#at32(ic + prog.IC_PROG) + prog.BP_INSNS);
    return (this.#at32(ic + prog.IC_PC) - first) >> prog.INSN_SHIFT;
  }

  /** Accesses that a thread has made of the operation on whole masks that it is within; 0: it is in none. */
  accesses(thread: number): number {
    return this.#at32(this.#thread(thread) + x.XT_ACCESSES);
  }

  /** An access of the operation on whole masks that a thread is at: number `nth`, from 1, or the last; null when it is at none. */
  accessOf(thread: number, nth = Number.POSITIVE_INFINITY): MaskAccess | null {
    const { memory } = this;
    const pc = this.#at32(this.interp(thread) + prog.IC_PC);
    const [op, id] = [memory.u8()[pc + prog.II_OP], this.#at32(pc + prog.II_IMM)];
    const wide = op === CALL_KFUNC ? (WIDE[id] ?? 0) : 0;
    if (wide === 0) return null;
    const bits = this.#at32(wide & x.WIDE_LARGE ? layout.M_LARGE_CPUMASK_BITS : layout.M_SMALL_CPUMASK_BITS);
    return maskAccess(wide, bits, nth);
  }

  /** Are interrupts on, on a CPU? */
  irqsOn(cpu: number): boolean {
    return this.#at32(this.memory.percpu(cpu) + layout.PC_IRQ_OFF) === 0;
  }

  /** Can a grace period end now that somebody waits for? */
  rcuReady(): boolean {
    return this.memory.exports.rcu_ready() !== 0;
  }

  /**
   * Runs process `p` up to and including its next access to shared memory. Returns STEP_; what it touched is in `facts`.
   * @param fail - which allocation of this step gives NULL, from 1; 0: none
   * @param budget - most instructions, to replay a part of a step
   * @param until - accesses of an operation on whole masks, or UNTIL_
   */
  step(p: number, fail = 0, budget = STEP_INSNS, until: number = x.UNTIL_SHARED): number {
    const { memory } = this;
    const { exports } = memory;
    const calls = this.#at32(layout.M_ALLOC_CALLS);
    const pending = this.#at32(layout.M_RCU_PENDING);
    const begins = p > this.rcu && this.state(p) === x.XT_NEW;
    const percpu = p === this.rcu ? 0 : memory.percpu(this.cpuOf(p));
    const blocked = holdsBackRcu(memory, percpu);
    const reading = readSections(memory, percpu);
    this.#notePlaces();
    this.#set(x.X_TOUCHED_AT, this.#touched);
    this.#set(x.X_THREAD, p === this.rcu ? x.X_NOBODY : p);
    let status: number = x.STEP_SHARED;
    if (p === this.rcu) {
      exports.explore_grace_period(memory.percpu(0));
    } else if (begins) {
      this.callbacks.begin(this.callback(p));
    } else {
      const thread = this.#thread(p);
      this.#set(layout.M_FAIL_NTH, fail);
      this.#set(x.X_UNTIL, until);
      status = this.#advance(thread, budget);
    }
    this.#set(layout.M_FAIL_NTH, 0);
    this.tooLong = status === x.STEP_BUDGET && (budget === STEP_INSNS || exports.explore_note_full() !== 0);
    this.allocations = this.#at32(layout.M_ALLOC_CALLS) - calls;
    this.facts.movesRcu = this.#movesRcu(p, percpu, pending, blocked);
    this.lost = p === this.rcu ? null : lostCpus(memory);
    this.withdrawn = 0;
    if (status === x.STEP_BLOCKED) this.#collectWait(p);
    else {
      this.facts.memory(memory, this.#touched, this.#at32(x.X_TOUCHED_AT));
      this.#collectRcu(p, readSections(memory, percpu) & ~reading);
      this.touchedShared = this.facts.touchedLength > 0;
      this.#collectCpus(p, percpu);
      if (this.callbacks.possible && this.callbacks.noteStarted()) this.#foundCallback = true;
    }
    if (this.#at32(x.X_OVERFLOW)) {
      const name = this.threads[p]?.program.name ?? (p === this.rcu ? 'a grace period' : this.callbackName(p));
      throw new InputError(name, '', 'changes more memory at once than can be gone back on');
    }
    return status;
  }

  /** Runs the check to its end, alone. Gives what it returned; null when it faulted, or is `tooLong`. */
  runCheck(): number | null {
    const thread = this.#at[this.threads.length] as number;
    this.#set(x.X_THREAD, x.X_NOBODY);
    let status: number = x.STEP_SHARED;
    this.#set(x.X_UNTIL, x.UNTIL_END);
    while (status === x.STEP_SHARED) {
      this.#set(x.X_TOUCHED_AT, this.#touched);
      status = this.#advance(thread, STEP_INSNS);
    }
    this.tooLong = status === x.STEP_BUDGET;
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

  #movesRcu(p: number, percpu: number, pending: number, blocked: boolean): number {
    const now = this.#at32(layout.M_RCU_PENDING);
    if (p === this.rcu ? now > 0 : now > pending) return MOVES_RCU_QUEUES;
    return blocked && !holdsBackRcu(this.memory, percpu) ? MOVES_RCU_RELEASES : 0;
  }

  /**
   * A read section holds back what is queued after it began, and nothing else: so a step in which one begins depends on steps that
   * queue. As if each thread had a word for either list, which it writes when it queues, and who begins to read reads all of
   * them. Grace periods for `rcu_read_lock_trace` wait for both kinds of readers.
   */
  #collectRcu(p: number, began: number): void {
    const { facts } = this;
    if (began) facts.readsRcu(began & READING ? RCU_PLAIN : RCU_TRACE);
    if (p === this.rcu || facts.movesRcu !== MOVES_RCU_QUEUES) return;
    if (this.#at32(layout.M_RCU_CALLBACKS)) facts.queuesRcu(RCU_PLAIN, p);
    if (this.#at32(layout.M_RCU_TRACE_CALLBACKS)) facts.queuesRcu(RCU_TRACE, p);
  }

  #notePlaces(): void {
    for (let i = 0; i < this.callbacks.length; i++) this.#places[i] = this.callbacks.place(i);
  }

  /**
   * Where there are callbacks, nothing on one CPU commutes, and what is first on a CPU's queue depends on who else is taken from it.
   * As if each CPU had a byte that its steps write, and each queue one that is written by who takes from it.
   */
  #collectCpus(p: number, percpu: number): void {
    const { callbacks, facts } = this;
    if (callbacks.length === 0) return;
    if (percpu !== 0) facts.cpu(this.#at32(percpu + layout.PC_CPU));
    for (let i = 0; i < callbacks.length; i++) {
      const before = this.#places[i] as number;
      const after = callbacks.place(i);
      if (before === after || before === 0) continue;
      facts.queue(callbacks.kind(i), callbacks.placeCpu(before), 1);
      if (after === 0 && this.callback(p) !== i) this.withdrawn |= bit(this.rcu + 1 + i);
    }
  }

  /** What a process that has to stand by depends on: its CPU, and what comes first on it. */
  standing(p: number): StepFacts {
    const { callbacks, facts } = this;
    facts.clear();
    facts.movesRcu = 0;
    if (callbacks.length === 0) return facts;
    facts.cpu(this.cpuOf(p));
    const i = this.callback(p);
    const place = i < 0 ? 0 : callbacks.place(i);
    if (place !== 0) facts.queue(callbacks.kind(i), callbacks.placeCpu(place), 0);
    return facts;
  }

  /** A step that waits for a lock, or for a callback, touches that. */
  #collectWait(p: number): void {
    const { facts } = this;
    facts.clear();
    facts.add(this.#waitsFor, this.#waitsFor + 4, 1);
    if (this.callbacks.length > 0) facts.cpu(this.cpuOf(p));
  }
}
