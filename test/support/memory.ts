/** Machines for tests of the data plane: struct bpf_cpumask as BTF of a kernel with that NR_CPUS lays it out. */
import { KernelMemory, type KernelMemoryOptions } from '../../src/kernel/memory.ts';
import { readAsset } from '../../src/platform/node/assets.ts';

export interface TestMachine {
  readonly cpus?: number;
  readonly nrCpus?: number;
  readonly memoryLimit?: number;
  readonly features?: number;
  readonly seed?: number;
}

let wasm: Uint8Array<ArrayBuffer> | undefined;
let module: WebAssembly.Module | undefined;

/** kernel.wasm. KERNEL_WASM names another build: the mutation run hands us broken ones. */
export function kernelWasm(): Uint8Array<ArrayBuffer> {
  wasm ??= readAsset(process.env.KERNEL_WASM ?? 'dist/kernel.wasm');
  return wasm;
}

export function testMemory({
  cpus = 4,
  nrCpus = 8192,
  memoryLimit = 64 << 20,
  ...rest
}: TestMachine = {}): KernelMemory {
  module ??= new WebAssembly.Module(kernelWasm());
  const cpumaskSize = Math.ceil(nrCpus / 64) * 8;
  const options: KernelMemoryOptions = {
    cpus,
    nrCpus,
    cpumaskSize,
    bpfCpumaskSize: cpumaskSize + 8,
    usageOffset: cpumaskSize,
    memoryLimit,
    wasm: module,
    ...rest,
  };
  return KernelMemory.create(options);
}

/** A small seeded generator: the same numbers in every run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 to bound - 1. */
  below(bound: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}
