/**
 * The cpumask kfuncs as methods, under the kernel's names, on the CPU that the memory's thread runs on. Masks are handles; a
 * handle from create or acquire owns one reference, and `using` gives it back.
 */
import * as layout from '../../assembly/layout.ts';
import { InputError } from '../errors.ts';
import { CpuMask } from './cpu_mask.ts';
import type { KernelMemory, ObjectRef } from './memory.ts';

/** A struct cpumask in the machine's memory that somebody else keeps alive: cpu_online_mask, a task's cpus_mask. */
export class Cpumask {
  /** Where its bits are; 0 when there is no mask behind the handle. */
  offset: number;
  protected readonly memory: KernelMemory;

  constructor(memory: KernelMemory, offset: number) {
    this.memory = memory;
    this.offset = offset;
  }

  /** Simulated kernel address; 0n: NULL. */
  get address(): bigint {
    return this.memory.address(this.offset);
  }

  /** What a program reads: the bits of cpumask_t as they lie in memory, those above nr_cpu_ids too. */
  get cpus(): CpuMask {
    return CpuMask.fromBytes(this.memory.read(usable(this), this.memory.u32At(layout.M_CPUMASK_SIZE)));
  }

  toString(): string {
    return this.cpus.toString();
  }
}

/**
 * A reference to a struct bpf_cpumask. It is gone once released: using the handle after that is an InputError, as the
 * verifier would refuse the program.
 */
export class BpfCpumask extends Cpumask implements ObjectRef, Disposable {
  readonly objectOffset: number;
  readonly serial: number;

  constructor(memory: KernelMemory, offset: number) {
    super(memory, offset);
    this.objectOffset = offset;
    this.serial = offset === 0 ? 0 : memory.u32At(offset - layout.OBJ_HEADER + layout.OBJ_SERIAL);
  }

  /** True when bpf_cpumask_create had no memory: nothing else may be done with the handle. */
  get isNull(): boolean {
    return this.objectOffset === 0;
  }

  /** Released, or given away with bpf_kptr_xchg. */
  get isReleased(): boolean {
    return this.offset === 0 && this.objectOffset !== 0;
  }

  /** usage: references to the mask. */
  get refs(): number {
    return this.memory.u32At(usable(this) + this.memory.u32At(layout.M_BPF_CPUMASK_USAGE)) | 0;
  }

  /** Releases the reference unless that has been done. */
  [Symbol.dispose](): void {
    if (this.offset === 0) return;
    this.memory.exports.bpf_cpumask_release(this.take());
  }

  /** Hands the reference over: gives the offset, and leaves the handle without one. */
  take(): number {
    const offset = usable(this);
    this.offset = 0;
    return offset;
  }
}

/** Offset of a mask that may be passed to a kfunc. */
function usable(mask: Cpumask): number {
  return mask.offset === 0 ? refuse(mask) : mask.offset;
}

function refuse(mask: Cpumask): never {
  const released = mask instanceof BpfCpumask && mask.isReleased;
  throw new InputError(
    'struct bpf_cpumask',
    '',
    released ? 'this reference was released already' : 'bpf_cpumask_create gave NULL: check isNull first',
  );
}

/** Grows by doubling; source bytes of populate pass through it. */
class Scratch {
  #offset = 0;
  #size = 0;
  readonly #memory: KernelMemory;

  constructor(memory: KernelMemory) {
    this.#memory = memory;
  }

  put(bytes: Uint8Array): number {
    if (bytes.length > this.#size || this.#offset === 0) {
      if (this.#offset !== 0) this.#memory.kfree(this.#offset);
      this.#size = Math.max(64, 2 ** Math.ceil(Math.log2(bytes.length + 1)));
      this.#offset = this.#memory.kmalloc(this.#size, layout.ALLOC_BUFFER);
    }
    this.#memory.write(this.#offset, bytes);
    return this.#offset;
  }
}

/** Every argument is checked for being a live handle, nothing else; results are the kernel's. */
export class Kfuncs {
  readonly #memory: KernelMemory;
  readonly #exports: KernelMemory['exports'];
  readonly #scratch: Scratch;

  constructor(memory: KernelMemory) {
    this.#memory = memory;
    this.#exports = memory.exports;
    this.#scratch = new Scratch(memory);
  }

  /** A new, empty mask with one reference; `isNull` when there is no memory (or a fault is injected). */
  bpf_cpumask_create(): BpfCpumask {
    return new BpfCpumask(this.#memory, this.#exports.bpf_cpumask_create() >>> 0);
  }

  /** Another reference to the same mask. */
  bpf_cpumask_acquire(cpumask: BpfCpumask): BpfCpumask {
    return new BpfCpumask(this.#memory, this.#exports.bpf_cpumask_acquire(usable(cpumask)) >>> 0);
  }

  /** Gives the handle's reference back; the last one frees the mask after a grace period. */
  bpf_cpumask_release(cpumask: BpfCpumask): void {
    this.#exports.bpf_cpumask_release(cpumask.take());
  }

  bpf_cpumask_first(cpumask: Cpumask): number {
    return this.#exports.bpf_cpumask_first(usable(cpumask)) >>> 0;
  }

  bpf_cpumask_first_zero(cpumask: Cpumask): number {
    return this.#exports.bpf_cpumask_first_zero(usable(cpumask)) >>> 0;
  }

  bpf_cpumask_first_and(src1: Cpumask, src2: Cpumask): number {
    return this.#exports.bpf_cpumask_first_and(usable(src1), usable(src2)) >>> 0;
  }

  bpf_cpumask_set_cpu(cpu: number, cpumask: BpfCpumask): void {
    this.#exports.bpf_cpumask_set_cpu(cpu, usable(cpumask));
  }

  bpf_cpumask_clear_cpu(cpu: number, cpumask: BpfCpumask): void {
    this.#exports.bpf_cpumask_clear_cpu(cpu, usable(cpumask));
  }

  bpf_cpumask_test_cpu(cpu: number, cpumask: Cpumask): boolean {
    return this.#exports.bpf_cpumask_test_cpu(cpu, usable(cpumask)) !== 0;
  }

  bpf_cpumask_test_and_set_cpu(cpu: number, cpumask: BpfCpumask): boolean {
    return this.#exports.bpf_cpumask_test_and_set_cpu(cpu, usable(cpumask)) !== 0;
  }

  bpf_cpumask_test_and_clear_cpu(cpu: number, cpumask: BpfCpumask): boolean {
    return this.#exports.bpf_cpumask_test_and_clear_cpu(cpu, usable(cpumask)) !== 0;
  }

  bpf_cpumask_setall(cpumask: BpfCpumask): void {
    this.#exports.bpf_cpumask_setall(usable(cpumask));
  }

  bpf_cpumask_clear(cpumask: BpfCpumask): void {
    this.#exports.bpf_cpumask_clear(usable(cpumask));
  }

  bpf_cpumask_and(dst: BpfCpumask, src1: Cpumask, src2: Cpumask): boolean {
    return this.#exports.bpf_cpumask_and(usable(dst), usable(src1), usable(src2)) !== 0;
  }

  bpf_cpumask_or(dst: BpfCpumask, src1: Cpumask, src2: Cpumask): void {
    this.#exports.bpf_cpumask_or(usable(dst), usable(src1), usable(src2));
  }

  bpf_cpumask_xor(dst: BpfCpumask, src1: Cpumask, src2: Cpumask): void {
    this.#exports.bpf_cpumask_xor(usable(dst), usable(src1), usable(src2));
  }

  bpf_cpumask_equal(src1: Cpumask, src2: Cpumask): boolean {
    return this.#exports.bpf_cpumask_equal(usable(src1), usable(src2)) !== 0;
  }

  bpf_cpumask_intersects(src1: Cpumask, src2: Cpumask): boolean {
    return this.#exports.bpf_cpumask_intersects(usable(src1), usable(src2)) !== 0;
  }

  bpf_cpumask_subset(src1: Cpumask, src2: Cpumask): boolean {
    return this.#exports.bpf_cpumask_subset(usable(src1), usable(src2)) !== 0;
  }

  bpf_cpumask_empty(cpumask: Cpumask): boolean {
    return this.#exports.bpf_cpumask_empty(usable(cpumask)) !== 0;
  }

  bpf_cpumask_full(cpumask: Cpumask): boolean {
    return this.#exports.bpf_cpumask_full(usable(cpumask)) !== 0;
  }

  bpf_cpumask_copy(dst: BpfCpumask, src: Cpumask): void {
    this.#exports.bpf_cpumask_copy(usable(dst), usable(src));
  }

  bpf_cpumask_any_distribute(cpumask: Cpumask): number {
    return this.#exports.bpf_cpumask_any_distribute(usable(cpumask)) >>> 0;
  }

  bpf_cpumask_any_and_distribute(src1: Cpumask, src2: Cpumask): number {
    return this.#exports.bpf_cpumask_any_and_distribute(usable(src1), usable(src2)) >>> 0;
  }

  bpf_cpumask_weight(cpumask: Cpumask): number {
    return this.#exports.bpf_cpumask_weight(usable(cpumask)) >>> 0;
  }

  /** Copies the bits from `src`; 0, or a negative errno when it is too short. */
  bpf_cpumask_populate(cpumask: BpfCpumask, src: Uint8Array): number {
    return this.#exports.bpf_cpumask_populate(usable(cpumask), this.#scratch.put(src), BigInt(src.length));
  }

  bpf_rcu_read_lock(): void {
    this.#exports.bpf_rcu_read_lock();
  }

  bpf_rcu_read_unlock(): void {
    this.#exports.bpf_rcu_read_unlock();
  }

  bpf_preempt_disable(): void {
    this.#exports.bpf_preempt_disable();
  }

  bpf_preempt_enable(): void {
    this.#exports.bpf_preempt_enable();
  }
}

export function createKfuncs(memory: KernelMemory): Kfuncs {
  return new Kfuncs(memory);
}

/** Writes a mask's words as they are, as bpf_cpumask_populate would; CPUs that do not fit in cpumask_t are left out. */
export function writeCpumask(memory: KernelMemory, target: Cpumask, mask: CpuMask): void {
  memory.write(usable(target), mask.toBytes(memory.u32At(layout.M_CPUMASK_SIZE)));
}
