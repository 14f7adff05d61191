/**
 * The simulated kernel's memory: one WebAssembly.Memory, the instance of kernel.wasm over it, and typed views for the
 * control plane. A machine has one; every worker that runs a simulated CPU attaches to the same memory with its own
 * instance (KernelMemory.attach).
 */
import * as layout from '../../assembly/layout.ts';
import { InputError, invariant } from '../errors.ts';
import type { KernelExports } from './generated/exports.ts';

const PAGE = 65536;
/** Least heap that a machine starts with, in bytes. */
const INITIAL_HEAP = 1 << 20;
/** Freed objects rest in quarantine until they add up to this share of the memory limit, or to so many bytes. */
const QUARANTINE_SHARE = 1 / 64;
const QUARANTINE_MAX = 512 << 10;

export interface KernelMemoryOptions {
  /** Possible CPUs: nr_cpu_ids. */
  readonly cpus: number;
  /** NR_CPUS, the build-time limit. */
  readonly nrCpus: number;
  /** sizeof(cpumask_t), bytes. */
  readonly cpumaskSize: number;
  /** sizeof(struct bpf_cpumask), bytes. */
  readonly bpfCpumaskSize: number;
  /** offsetof(struct bpf_cpumask, usage), bytes. */
  readonly usageOffset: number;
  /** Bytes that the memory may grow to; default 256 MiB. */
  readonly memoryLimit?: number;
  /** Seed of bpf_get_prandom_u32 and of fault injection. */
  readonly seed?: number;
  /** FEATURE_ bits of assembly/layout.ts. */
  readonly features?: number;
  /** dist/kernel.wasm, or the module compiled from it. */
  readonly wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module;
}

/** What a worker needs to join a machine. */
export interface KernelMemoryShare {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
}

/** One object of the simulated kernel's heap. */
export interface KernelObject {
  /** Offset in memory. */
  readonly offset: number;
  /** Bytes asked for. */
  readonly size: number;
  /** ALLOC_ tag. */
  readonly tag: number;
  /** OBJ_ state. */
  readonly state: number;
  /** Program id << 20 | instruction that allocated it; 0: not a program. */
  readonly allocSite: number;
  readonly freeSite: number;
  /** Number of the allocation: tells an object from a later one at the same place. */
  readonly serial: number;
}

/** Names one allocation, so that a later one at the same place is told from it. */
export interface ObjectRef {
  /** Where it is, or was. */
  readonly objectOffset: number;
  readonly serial: number;
}

/** Words of ALLOC_ tags, for reports. */
export const ALLOC_NAMES: Readonly<Record<number, string>> = {
  [layout.ALLOC_KERNEL]: 'kernel data',
  [layout.ALLOC_PERCPU]: 'per-CPU data',
  [layout.ALLOC_BPF_CPUMASK]: 'struct bpf_cpumask',
  [layout.ALLOC_BPF_OBJ]: 'bpf_obj_new object',
  [layout.ALLOC_MAP]: 'map',
  [layout.ALLOC_MAP_ELEM]: 'map element',
  [layout.ALLOC_TASK]: 'struct task_struct',
  [layout.ALLOC_PROG]: 'program',
  [layout.ALLOC_STACK]: 'stack',
  [layout.ALLOC_BUFFER]: 'buffer',
  [layout.ALLOC_MEM_CACHE]: 'bpf_mem_cache',
  [layout.ALLOC_LOCAL_STORAGE]: 'local storage',
  [layout.ALLOC_ASYNC]: 'timer or work item',
};

/** Rounded up to a multiple of `unit`, a power of two. */
const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

function createMemory(initial: number, maximum: number): { memory: WebAssembly.Memory; shared: boolean } {
  if (typeof SharedArrayBuffer === 'function') {
    return { memory: new WebAssembly.Memory({ initial, maximum, shared: true }), shared: true };
  }
  return { memory: new WebAssembly.Memory({ initial, maximum }), shared: false };
}

/** The same module importing unshared memory: clears the "shared" bit of the memory import's limits. */
function unshare(wasm: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const name = [3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 3]; // "env" "memory" kind 2, limits 3
  const at = wasm.findIndex((_, i) => name.every((byte, j) => wasm[i + j] === byte));
  invariant(at >= 0, 'kernel.wasm does not import a shared memory');
  const copy = wasm.slice();
  copy[at + name.length - 1] = 1;
  return copy;
}

/** Compiles dist/kernel.wasm without blocking, for the memory that there is here (shared or not). */
export function compileKernel(wasm: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  return WebAssembly.compile(typeof SharedArrayBuffer === 'function' ? wasm : unshare(wasm));
}

export class KernelMemory {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly exports: KernelExports;
  /** The current CPU's per-CPU area, an import of kernel.wasm and of every jitted module. */
  readonly gs: WebAssembly.Global<'i32'>;
  #u8: Uint8Array<ArrayBuffer>;
  #u32: Uint32Array<ArrayBuffer>;
  #dv: DataView<ArrayBuffer>;
  #buffer: ArrayBufferLike;

  private constructor(memory: WebAssembly.Memory, module: WebAssembly.Module) {
    this.memory = memory;
    this.module = module;
    this.gs = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
    const instance = new WebAssembly.Instance(module, { env: { memory }, worker: { gs: this.gs } });
    this.exports = instance.exports as unknown as KernelExports;
    this.#buffer = memory.buffer;
    this.#u8 = new Uint8Array(memory.buffer);
    this.#u32 = new Uint32Array(memory.buffer);
    this.#dv = new DataView(memory.buffer);
  }

  /** A new machine's memory: struct machine, per-CPU areas, heap, CPU masks (every CPU possible, present and online). */
  static create(options: KernelMemoryOptions): KernelMemory {
    const { cpus, nrCpus, cpumaskSize, bpfCpumaskSize, usageOffset, seed = 1, features = 0 } = options;
    const limit = roundUp(options.memoryLimit ?? 256 << 20, PAGE);
    const heap = layout.SHADOW + limit / 8;
    if (!Number.isInteger(cpus) || cpus < 1 || cpus > nrCpus) {
      throw new InputError(`${cpus}`, 'cpus', `a machine of this kernel has 1 to ${nrCpus} CPUs (NR_CPUS)`);
    }
    if (!(limit >= 4 << 20 && limit <= 0xffff0000)) {
      throw new InputError(`${options.memoryLimit}`, 'memoryLimit', 'give 4 MiB to 4 GiB, in bytes');
    }
    const percpu = cpus * layout.PERCPU_SIZE;
    const initial = Math.min(Math.ceil((heap + percpu + INITIAL_HEAP) / PAGE), limit / PAGE);
    const { memory, shared } = createMemory(initial, limit / PAGE);
    const { wasm } = options;
    const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(shared ? wasm : unshare(wasm));
    const self = new KernelMemory(memory, module);
    const dv = self.dv();
    const words: readonly (readonly [number, number])[] = [
      [layout.M_NR_CPU_IDS, cpus],
      [layout.M_NR_CPUS, nrCpus],
      [layout.M_SMALL_CPUMASK_BITS, nrCpus <= 64 ? nrCpus : cpus],
      [layout.M_LARGE_CPUMASK_BITS, nrCpus <= 256 ? nrCpus : cpus],
      [layout.M_CPUMASK_SIZE, cpumaskSize],
      [layout.M_BPF_CPUMASK_SIZE, bpfCpumaskSize],
      [layout.M_BPF_CPUMASK_USAGE, usageOffset],
      [layout.M_SHADOW, layout.SHADOW],
      [layout.M_HEAP, heap],
      [layout.M_MEMORY_LIMIT, limit],
      [layout.M_FEATURES, features],
    ];
    for (const [offset, value] of words) dv.setUint32(offset, value, true);
    const state = BigInt.asUintN(64, BigInt(seed) * 0x9e3779b97f4a7c15n) || 1n;
    dv.setBigUint64(layout.M_PRNG, state, true);
    dv.setBigUint64(layout.M_FAIL_PRNG, state ^ 0xbf58476d1ce4e5b9n, true);
    // Until there are per-CPU areas, reads of the current CPU's fall into the zeroed end of struct machine.
    self.gs.value = layout.MACHINE + PAGE - layout.PERCPU_SIZE;
    self.exports.mm_init(Math.min(limit * QUARANTINE_SHARE, QUARANTINE_MAX));
    self.#initCpus(cpus, cpumaskSize);
    return self;
  }

  /** Another instance over a machine's memory, for a worker that runs one of its CPUs. */
  static attach({ memory, module }: KernelMemoryShare, cpu: number): KernelMemory {
    const self = new KernelMemory(memory, module);
    self.setCpu(cpu);
    return self;
  }

  #initCpus(cpus: number, cpumaskSize: number): void {
    const { exports } = this;
    const percpu = this.kmalloc(cpus * layout.PERCPU_SIZE, layout.ALLOC_PERCPU);
    exports.kasan_poison(percpu, cpus * layout.PERCPU_SIZE, layout.SHADOW_REDZONE);
    const masks = [layout.M_CPU_POSSIBLE, layout.M_CPU_PRESENT, layout.M_CPU_ONLINE].map((field) => {
      const mask = this.kmalloc(cpumaskSize, layout.ALLOC_KERNEL);
      exports.kasan_unpoison_readonly(mask, cpumaskSize);
      return { field, mask };
    });
    const dv = this.dv();
    dv.setUint32(layout.M_PERCPU, percpu, true);
    for (let cpu = 0; cpu < cpus; cpu++) {
      dv.setUint32(percpu + cpu * layout.PERCPU_SIZE + layout.PC_CPU, cpu, true);
    }
    const u8 = this.u8();
    for (const { field, mask } of masks) {
      dv.setUint32(field, mask, true);
      u8.fill(0xff, mask, mask + (cpus >> 3));
      if (cpus & 7) dv.setUint8(mask + (cpus >> 3), (1 << (cpus & 7)) - 1);
    }
    this.setCpu(0);
    invariant(exports.machine_init(), 'no memory for the allocators');
  }

  /** Possible CPUs: nr_cpu_ids. */
  get nrCpuIds(): number {
    return this.u32At(layout.M_NR_CPU_IDS);
  }

  /** What another thread needs to attach. */
  share(): KernelMemoryShare {
    return { memory: this.memory, module: this.module };
  }

  /** Makes `cpu` the one that this thread runs on. */
  setCpu(cpu: number): void {
    const count = this.nrCpuIds;
    if (!(cpu >= 0 && cpu < count && Number.isInteger(cpu))) {
      throw new InputError(`${cpu}`, 'cpu', `this machine has CPUs 0-${count - 1}`);
    }
    this.gs.value = this.u32At(layout.M_PERCPU) + cpu * layout.PERCPU_SIZE;
  }

  /** The CPU that this thread runs on. */
  get cpu(): number {
    return this.u32At((this.gs.value >>> 0) + layout.PC_CPU);
  }

  /** Offset of a CPU's per-CPU area. */
  percpu(cpu: number): number {
    return this.u32At(layout.M_PERCPU) + cpu * layout.PERCPU_SIZE;
  }

  #refresh(): void {
    const { buffer } = this.memory;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#dv = new DataView(buffer);
  }

  /** Bytes of the memory. Take it anew after anything that may allocate: growth replaces the buffer. */
  u8(): Uint8Array<ArrayBuffer> {
    this.#refresh();
    return this.#u8;
  }

  /** The memory as 32-bit words; index = offset / 4. */
  u32(): Uint32Array<ArrayBuffer> {
    this.#refresh();
    return this.#u32;
  }

  /** A DataView of the memory; all of it is little endian. */
  dv(): DataView<ArrayBuffer> {
    this.#refresh();
    return this.#dv;
  }

  /** The u32 at a 4-aligned offset. */
  u32At(offset: number): number {
    // Asking the memory for its buffer is slow. Growth leaves a view as it was when memory is shared, and empties it
    // otherwise: what is found in one is always right.
    const value = this.#u32[offset >>> 2] ?? this.u32()[offset >>> 2];
    // The words are put together only when they are needed.
    if (value === undefined) invariant(false, `offset 0x${offset.toString(16)} is outside of memory`);
    return value;
  }

  setU32(offset: number, value: number): void {
    const view = offset >>> 2 < this.#u32.length ? this.#u32 : this.u32();
    view[offset >>> 2] = value;
  }

  /** Simulated kernel address of an offset; offset 0 is NULL. */
  address(offset: number): bigint {
    return offset === 0 ? 0n : (BigInt(layout.KERNEL_BASE_HI) << 32n) | BigInt(offset >>> 0);
  }

  /** Offset of a simulated kernel address. */
  offset(address: bigint): number {
    return Number(address & 0xffffffffn);
  }

  /** `size` zeroed bytes; InputError when the memory limit is reached. For the control plane: programs get NULL instead. */
  kmalloc(size: number, tag: number): number {
    const offset = this.exports.kmalloc(size, tag) >>> 0;
    if (offset === 0) {
      const limit = this.u32At(layout.M_MEMORY_LIMIT);
      throw new InputError(`${limit}`, 'memoryLimit', `${size} more bytes do not fit in the machine's memory`);
    }
    return offset;
  }

  kfree(offset: number): void {
    this.exports.kfree(offset);
  }

  /** A copy of bytes in memory. */
  read(offset: number, size: number): Uint8Array<ArrayBuffer> {
    // Uint8Array.slice of shared memory would be shared memory again.
    return new Uint8Array(this.u8().subarray(offset, offset + size));
  }

  write(offset: number, bytes: Uint8Array): void {
    this.u8().set(bytes, offset);
  }

  /** The header of the object at exactly `offset`. */
  objectHeader(offset: number): KernelObject {
    const at = (field: number) => this.u32At(offset - layout.OBJ_HEADER + field);
    return {
      offset,
      size: at(layout.OBJ_SIZE),
      tag: at(layout.OBJ_TAG),
      state: at(layout.OBJ_STATE),
      allocSite: at(layout.OBJ_ALLOC_SITE),
      freeSite: at(layout.OBJ_FREE_SITE),
      serial: at(layout.OBJ_SERIAL),
    };
  }

  /** Every block of the heap in address order, free ones included. */
  *objects(): Generator<KernelObject> {
    let offset = this.u32At(layout.M_HEAP) + layout.OBJ_HEADER;
    while (offset - layout.OBJ_HEADER < this.u32At(layout.MM_BRK)) {
      yield this.objectHeader(offset);
      offset += this.u32At(offset - layout.OBJ_HEADER + layout.OBJ_CAPACITY) + layout.OBJ_HEADER;
    }
  }

  /** The block that `offset` lies in, or the one that it lies behind; null outside of the heap. */
  objectAt(offset: number): KernelObject | null {
    let found: KernelObject | null = null;
    for (const object of this.objects()) {
      if (object.offset > offset) break;
      found = object;
    }
    return found;
  }

  /** Is this object allocated, or freed and still within its grace period? False once its place may be used again. */
  isLive({ objectOffset, serial }: ObjectRef): boolean {
    if (objectOffset === 0) return false;
    const at = (field: number) => this.u32At(objectOffset - layout.OBJ_HEADER + field);
    const state = at(layout.OBJ_STATE);
    return at(layout.OBJ_SERIAL) === serial && (state === layout.OBJ_LIVE || state === layout.OBJ_RCU);
  }

  /** Runs `body` on another CPU of this thread, then comes back. */
  on<T>(cpu: number, body: () => T): T {
    const before = this.cpu;
    this.setCpu(cpu);
    try {
      return body();
    } finally {
      this.setCpu(before);
    }
  }
}
