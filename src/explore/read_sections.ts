/** RCU read sections that a CPU is in, by its per-CPU area; none where that is 0. */
import * as layout from '../../assembly/layout.ts';
import type { KernelMemory } from '../kernel/memory.ts';

/** Kinds of read sections: bits. */
export const READING = 1;
const READING_TRACE = 2;

export function readSections(memory: KernelMemory, percpu: number): number {
  if (percpu === 0) return 0;
  const plain = memory.u32At(percpu + layout.PC_RCU_NESTING) ? READING : 0;
  return memory.u32At(percpu + layout.PC_RCU_TRACE_NESTING) ? plain | READING_TRACE : plain;
}

/** Does one of them hold back a callback that waits for a grace period? */
export function holdsBackRcu(memory: KernelMemory, percpu: number): boolean {
  if (percpu === 0 || memory.u32At(layout.M_RCU_PENDING) === 0) return false;
  return memory.exports.rcu_blocks(percpu) !== 0;
}
