/** The least machine that runs programs: memory, a buffer, and an engine. */
import { readFileSync } from 'node:fs';
import { ALLOC_BUFFER } from '../../assembly/layout.ts';
import { callOf } from '../../src/engine/calls.ts';
import type { Engine, LinkEnvironment, LoadedProgram, Runnable } from '../../src/engine/engine.ts';
import { createEngine, type EngineName } from '../../src/engine/engines.ts';
import { KernelMemory } from '../../src/kernel/memory.ts';

const wasm = new WebAssembly.Module(readFileSync(new URL('../../dist/kernel.wasm', import.meta.url)));

export const nothing: LinkEnvironment = {
  map: () => 0,
  mapValue: () => 0,
  kfunc: () => undefined,
  ksym: () => undefined,
};

export function createMemory(cpus = 1, memoryLimit = 16 << 20): KernelMemory {
  return KernelMemory.create({
    cpus,
    nrCpus: 64,
    cpumaskSize: 8,
    bpfCpumaskSize: 16,
    usageOffset: 8,
    memoryLimit,
    wasm,
  });
}

export interface Bench {
  readonly memory: KernelMemory;
  readonly engine: Engine;
  /** Offset and address of the buffer that programs work on. */
  readonly buffer: number;
  readonly address: bigint;
  load(insns: Uint8Array, more?: Partial<LoadedProgram>): Runnable;
}

export function createBench(bufferSize: number, engineName: EngineName = 'interp', memoryLimit = 16 << 20): Bench {
  const memory = createMemory(1, memoryLimit);
  const engine = createEngine(engineName, memory, callOf);
  const buffer = memory.kmalloc(bufferSize, ALLOC_BUFFER);
  let id = 0;
  return {
    memory,
    engine,
    buffer,
    address: memory.address(buffer),
    load: (insns, more = {}) => {
      id = (id % 4095) + 1;
      return engine.load({ id, name: 'test', insns, environment: nothing, ...more });
    },
  };
}
