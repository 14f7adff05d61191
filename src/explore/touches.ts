/** What a step touched, as far as order matters: shared memory, and what stands for the rest of the machine's state. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { CallbackKind } from './callback_names.ts';
import type { StepFacts } from './path.ts';
import type { Touched } from './ranges.ts';

/** Room for what a step touches besides memory. */
const MORE_WORDS = 128;
/** All of it lies below all memory: a word of each process for either list of grace periods; bytes of CPUs, and of their queues. */
const RCU_WORD = 8;
const RCU_LIST = RCU_WORD * 32;
const CPU_BYTES = 1024;
const MAX_CPUS = 8192;
const QUEUE_BYTES: Readonly<Record<CallbackKind, number>> = {
  timer: CPU_BYTES + MAX_CPUS,
  work: CPU_BYTES + 2 * MAX_CPUS,
};

/** Lists of callbacks that wait for a grace period: `rcu_read_lock_trace`'s readers hold back the second. */
export const RCU_PLAIN = 0;
export const RCU_TRACE = 1;
export type RcuList = typeof RCU_PLAIN | typeof RCU_TRACE;

export class Touches implements StepFacts {
  /** Entries up to `touchedLength`. */
  readonly touched: Touched;
  touchedLength = 0;
  movesRcu = 0;

  /** @param words - room for memory */
  constructor(words: number) {
    this.touched = new Int32Array(words + MORE_WORDS);
  }

  clear(): void {
    this.touchedLength = 0;
  }

  add(from: number, end: number, write: 0 | 1): void {
    this.touched[this.touchedLength++] = from;
    this.touched[this.touchedLength++] = end * 2 + write;
  }

  /** Takes over what the kernel noted: TOUCHED_ENTRYs from one offset to another. */
  memory(memory: KernelMemory, start: number, end: number): void {
    const { touched } = this;
    let n = 0;
    for (let at = start; at < end; at += x.TOUCHED_ENTRY) {
      const from = memory.u32At(at);
      const word = memory.u32At(at + 4);
      touched[n++] = from;
      touched[n++] = (from + (word >>> 1)) * 2 + (word & 1);
    }
    this.touchedLength = n;
  }

  /** A read section begins that holds back what is queued on a list, and those behind it, by anybody. */
  readsRcu(list: RcuList): void {
    this.add(list * RCU_LIST, 2 * RCU_LIST, 0);
  }

  queuesRcu(list: RcuList, process: number): void {
    const at = list * RCU_LIST + process * RCU_WORD;
    this.add(at, at + RCU_WORD, 1);
  }

  /** Nothing else of that CPU commutes with it. */
  cpu(cpu: number): void {
    this.add(CPU_BYTES + cpu, CPU_BYTES + cpu + 1, 1);
  }

  /** What is pending on a CPU. */
  queue(kind: CallbackKind, cpu: number, write: 0 | 1): void {
    const at = QUEUE_BYTES[kind] + cpu;
    this.add(at, at + 1, write);
  }
}
