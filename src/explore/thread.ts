/** struct explore_thread (assembly/kernel/explore_layout.ts): what the exploring kernel steps. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import * as layout from '../../assembly/layout.ts';
import type { KernelMemory } from '../kernel/memory.ts';

/** Offset of a new one for a struct interp. */
export function newThread(memory: KernelMemory, interp: number, percpu: number, sleepable: boolean): number {
  const at = memory.kmalloc(x.XT_SIZE, layout.ALLOC_BUFFER);
  const mask = Math.ceil(memory.u32At(layout.M_BPF_CPUMASK_SIZE) / 32) * 32;
  const words: readonly (readonly [number, number])[] = [
    [x.XT_INTERP, interp],
    [x.XT_PERCPU, percpu],
    [x.XT_SLEEPABLE, sleepable ? 1 : 0],
    // Kernel memory for masks: the operation reads and writes them as it does any.
    [x.XT_SCRATCH, memory.kmalloc(x.SCRATCH_REGS + x.WIDE_ARGS * mask, layout.ALLOC_BUFFER)],
    [x.XT_SCRATCH_SIZE, mask],
  ];
  for (const [field, value] of words) memory.setU32(at + field, value);
  return at;
}
