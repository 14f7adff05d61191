/**
 * Callbacks of timers and work items as processes of an exploration: one for each bpf_timer and bpf_wq, known by its place in a map
 * value, since that is the same in every order. It can go on when it is pending; what it runs ends, and it can begin again.
 */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import * as prog from '../../assembly/kernel/bpf/prog_layout.ts';
import * as x from '../../assembly/kernel/explore_layout.ts';
import * as layout from '../../assembly/layout.ts';
import { InputError, invariant } from '../errors.ts';
import type { BpfMap } from '../kernel/bpf/maps/index.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { Machine } from '../machine/machine.ts';
import type { Program } from '../machine/run.ts';
import { CALLBACK_KINDS, type CallbackField, type CallbackKind, fieldNamed, nameOf } from './callback_names.ts';
import { newThread } from './thread.ts';

/** Timers and work items that one exploration has room for. */
const MAX_CALLBACKS = 16;
const F_TIMER_ABS = 1;
/** A place is the order number of a start, times this, and its CPU, counted from 1. */
const PLACE_CPUS = 1 << 14;

/** A callback that runs. */
export interface CallbackRun {
  readonly cpu: number;
  readonly kind: CallbackKind;
  readonly program: Program;
  /** Name of its function. */
  readonly name: string;
}

export interface CallbackOptions {
  readonly maps: readonly BpfMap[];
  /** CPUs of the programs. */
  readonly cpus: readonly number[];
  /** Callbacks that each may begin on one path. */
  readonly most: number;
  /** Processes that there is room for. */
  readonly room: number;
}

interface Slot extends CallbackField {
  readonly name: string;
  /** Offset of its struct explore_thread. */
  readonly thread: number;
}

/** Is there a map whose values have timers or work items? */
function hasAny(memory: KernelMemory): boolean {
  for (let at = memory.u32At(map.M_MAPS); at !== 0; at = memory.u32At(at + map.BM_NEXT)) {
    const record = memory.u32At(at + map.BM_RECORD);
    if (record && memory.u32At(record + map.BR_MASK) & (map.BPF_TIMER | map.BPF_WORKQUEUE)) return true;
  }
  return false;
}

export class Callbacks {
  readonly #machine: Machine;
  readonly #memory: KernelMemory;
  readonly #maps: readonly BpfMap[];
  /** Callbacks of each that one path may begin. */
  readonly #most: number;
  /** CPUs that programs run on, and CPUs for what these hand to a worker. */
  readonly #homes: readonly number[];
  readonly #workers: readonly number[];
  readonly #slots: Slot[] = [];
  readonly #spare: number[];
  /** Started, and not yet among the processes. */
  readonly #found = new Map<number, Omit<Slot, 'thread'>>();

  constructor(machine: Machine, { maps, cpus, most, room }: CallbackOptions) {
    const { memory } = machine;
    this.#machine = machine;
    this.#maps = maps;
    this.#memory = memory;
    this.#most = most;
    // CPU 0 is where set-up ran.
    this.#homes = [...new Set([0, ...cpus])].sort((a, b) => a - b);
    this.#workers = Array.from({ length: machine.cpus }, (_, i) => machine.cpus - 1 - i).filter(
      (cpu) => !this.#homes.includes(cpu),
    );
    this.#spare = Array.from({ length: hasAny(memory) ? Math.min(room, MAX_CALLBACKS) : 0 }, () => {
      const interp = memory.exports.interp_new() >>> 0;
      if (interp === 0) throw new InputError('machine', 'memoryLimit', 'no memory is left for callbacks');
      return newThread(memory, interp, memory.percpu(0), false);
    });
    this.#takeLists();
  }

  /** What set-up started waits on the machine's lists; from now on nothing does. */
  #takeLists(): void {
    const memory = this.#memory;
    memory.setU32(map.M_ASYNC_MANUAL, 1);
    for (const head of [map.M_TIMERS, map.M_WORKS]) {
      for (let at = memory.u32At(head); at !== 0; at = memory.u32At(at + map.BA_NEXT)) {
        this.#find(at);
      }
      memory.setU32(head, 0);
    }
  }

  /** Could there be any? */
  get possible(): boolean {
    return this.#spare.length + this.#slots.length > 0;
  }

  /** CPUs of workers. */
  get workerCpus(): readonly number[] {
    return this.possible ? this.#workers.slice(0, this.#homes.length) : [];
  }

  get length(): number {
    return this.#slots.length;
  }

  /** Offset of a callback's struct explore_thread. */
  thread(i: number): number {
    return (this.#slots[i] as Slot).thread;
  }

  /** Offset of the bpf_timer or bpf_wq that it is of. */
  field(i: number): number {
    return (this.#slots[i] as Slot).field;
  }

  /** Notes a struct bpf_async that was started. */
  #find(work: number): void {
    const field = this.#at(work + map.BA_FIELD);
    const kind = CALLBACK_KINDS[this.#at(work + map.BA_KIND)] ?? 'timer';
    const name = nameOf(this.#memory, this.#maps, this.#at(work + map.BA_MAP), { field, kind });
    this.#found.set(field, { field, kind, name });
  }

  /** After a step: was one started that is none of the processes? */
  noteStarted(): boolean {
    const field = this.#at(map.M_ASYNC_STARTED);
    if (field === 0 || this.#slots.some((slot) => slot.field === field)) return false;
    this.#find(this.#at(field));
    return true;
  }

  /** Makes processes of those that were found. */
  adopt(): void {
    for (const found of this.#found.values()) this.#add(found);
    this.#found.clear();
  }

  #add(found: Omit<Slot, 'thread'>): number {
    const known = this.#slots.findIndex(({ field }) => field === found.field);
    if (known >= 0) return known;
    const thread = this.#spare.pop();
    if (thread === undefined) {
      throw new InputError(
        'explore',
        '',
        `more than ${this.#slots.length} timers and work items are started; explore less`,
      );
    }
    return this.#slots.push({ ...found, thread }) - 1;
  }

  /** How schedules name it. */
  name(i: number): string {
    return (this.#slots[i] as Slot).name;
  }

  /** The one of that name; null when there can be none. */
  named(name: string): number | null {
    const field = this.possible ? fieldNamed(this.#memory, this.#maps, name) : null;
    return field && this.#add({ ...field, name });
  }

  #at(offset: number): number {
    return this.#memory.u32At(offset);
  }

  /** Offset of the struct bpf_async that is at a place now; 0: none. The value may have become something else. */
  #work(i: number): number {
    const { field } = this.#slots[i] as Slot;
    const work = this.#at(field);
    if (this.#at(field + 4) !== layout.KERNEL_BASE_HI || work < layout.OBJ_HEADER) return 0;
    if (this.#at(work - layout.OBJ_HEADER + layout.OBJ_TAG) !== layout.ALLOC_ASYNC) return 0;
    return this.#at(work + map.BA_FIELD) === field ? work : 0;
  }

  #pending(work: number): boolean {
    return work !== 0 && (this.#at(work + map.BA_STATE) & map.BA_PENDING) !== 0;
  }

  #mayBegin(i: number): boolean {
    return this.#at(this.thread(i) + x.XT_RUNS) < this.#most;
  }

  /** XT_ state: new when it is pending and may begin, exited when it has nothing to do. */
  state(i: number): number {
    const state = this.#at(this.thread(i) + x.XT_STATE);
    if (state === x.XT_RUNNING || state === x.XT_FAULT) return state;
    return this.#mayBegin(i) && this.#pending(this.#work(i)) ? x.XT_NEW : x.XT_EXITED;
  }

  /** Is one pending that would have begun more often than it may? */
  get cut(): boolean {
    return this.#slots.some((_, i) => !this.#mayBegin(i) && this.#pending(this.#work(i)));
  }

  /** Where a pending one waits, and since when; 0: it is not pending. */
  place(i: number): number {
    const work = this.#work(i);
    if (!this.#pending(work) || !this.#mayBegin(i)) return 0;
    return this.#at(work + map.BA_ORDER) * PLACE_CPUS + this.#at(work + map.BA_CPU) + 1;
  }

  /** CPU of a place. */
  placeCpu(place: number): number {
    return (place % PLACE_CPUS) - 1;
  }

  kind(i: number): CallbackKind {
    return (this.#slots[i] as Slot).kind;
  }

  /** CPU that it runs on, or would. */
  cpu(i: number): number {
    if (this.state(i) !== x.XT_NEW) return this.#at(this.#at(this.thread(i) + x.XT_PERCPU) + layout.PC_CPU);
    const cpu = this.#at(this.#work(i) + map.BA_CPU);
    return this.kind(i) === 'work' ? this.#workerOf(cpu) : cpu;
  }

  #workerOf(cpu: number): number {
    const home = this.#homes.indexOf(cpu);
    if (home < 0) return cpu;
    const worker = this.#workers[home];
    if (worker !== undefined) return worker;
    const needed = 2 * this.#homes.length;
    throw new InputError('explore', '', `work items run on CPUs of their own; give the machine ${needed} CPUs`);
  }

  /** Must pending one `i` run before pending one `j` of the same CPU? Work items in their order; timers when no clock can differ. */
  precedes(i: number, j: number): boolean {
    const [a, b] = [this.#work(i), this.#work(j)];
    const same = (field: number) => this.#at(a + field) === this.#at(b + field);
    const [first, second] = [this.#at(a + map.BA_ORDER), this.#at(b + map.BA_ORDER)];
    if (!first || !second || !same(map.BA_KIND) || !same(map.BA_CPU) || !same(map.BA_FLAGS)) return false;
    if (this.kind(i) === 'work') return first < second;
    const absolute = this.#at(a + map.BA_START_FLAGS) & F_TIMER_ABS;
    if (absolute !== (this.#at(b + map.BA_START_FLAGS) & F_TIMER_ABS)) return false;
    const [mine, other] = [this.#nsecs(a), this.#nsecs(b)];
    // Time that passes before a start makes what it starts later.
    return absolute ? mine < other || (mine === other && first < second) : first < second && mine <= other;
  }

  #nsecs(work: number): bigint {
    return this.#memory.dv().getBigUint64(work + map.BA_NSECS, true);
  }

  /** The callback of a pending one is called. */
  begin(i: number): void {
    const memory = this.#memory;
    const work = this.#work(i);
    const program = this.#machine.programById(this.#at(work + map.BA_PROG));
    invariant(program !== undefined, 'a callback has no program');
    const linked = Number(program.address & 0xffff_ffffn);
    memory.exports.explore_callback(this.thread(i), work, linked, memory.percpu(this.cpu(i)));
  }

  /** What one runs that has just begun. */
  run(i: number): CallbackRun {
    const interp = this.#at(this.thread(i) + x.XT_INTERP);
    const linked = this.#at(interp + prog.IC_PROG);
    const program = this.#machine.programById(this.#at(linked + prog.BP_ID));
    invariant(program !== undefined, 'a callback has no program');
    const insn = (this.#at(interp + prog.IC_PC) - this.#at(linked + prog.BP_INSNS)) >> prog.INSN_SHIFT;
    return { cpu: this.cpu(i), kind: this.kind(i), program, name: program.functionAt(insn) ?? `insn ${insn}` };
  }
}
