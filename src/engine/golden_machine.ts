/** Machines of the sizes that golden streams ask for. */
import { PC_DISTRIBUTE_PREV } from '../../assembly/layout.ts';
import { featuresOf } from '../kernel/features.ts';
import { KernelMemory } from '../kernel/memory.ts';
import { type GoldenStream, releaseOf } from './golden.ts';

/** Gives the machine for a stream, with the distribute state that streams start from; one is made for each size. */
export function goldenMachines(wasm: Uint8Array<ArrayBuffer>): (stream: GoldenStream) => KernelMemory {
  const machines = new Map<string, KernelMemory>();
  return ({ nrCpuIds, nrCpus, kernel }) => {
    const features = featuresOf(releaseOf(kernel));
    const key = `${nrCpuIds} ${nrCpus} ${features}`;
    let memory = machines.get(key);
    if (!memory) {
      const cpumaskSize = Math.ceil(nrCpus / 64) * 8;
      memory = KernelMemory.create({
        cpus: nrCpuIds,
        nrCpus,
        cpumaskSize,
        bpfCpumaskSize: cpumaskSize + 8,
        usageOffset: cpumaskSize,
        memoryLimit: 16 << 20,
        features,
        wasm,
      });
      machines.set(key, memory);
    }
    memory.setU32(memory.percpu(memory.cpu) + PC_DISTRIBUTE_PREV, 0);
    return memory;
  };
}
