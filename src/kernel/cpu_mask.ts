import { InputError } from '../errors.ts';
import { formatCpulist, formatHexMask, MAX_CPUS, parseCpulist, parseHexMask } from './cpulist.ts';

/** Number of ones. */
function popcount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  n = (n + (n >>> 4)) & 0x0f0f0f0f;
  return Math.imul(n, 0x01010101) >>> 24;
}

function checkCpu(cpu: number): number {
  if (Number.isInteger(cpu) && cpu >= 0 && cpu < MAX_CPUS) return cpu;
  throw new InputError(`${cpu}`, 'CPU', `a CPU is a whole number from 0 to ${MAX_CPUS - 1}`);
}

function checkCount(cpus: number): number {
  if (Number.isInteger(cpus) && cpus >= 0 && cpus <= MAX_CPUS) return cpus;
  throw new InputError(`${cpus}`, 'number of CPUs', `a mask has 0 to ${MAX_CPUS} CPUs`);
}

/** Words of CPUs 0 to cpus - 1. */
function wordsOfAll(cpus: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(checkCount(cpus) / 32)).fill(0xffffffff);
  if (cpus & 31) words[words.length - 1] = (1 << (cpus & 31)) - 1;
  return words;
}

/**
 * A set of CPUs 0 to 8191, as a value: never changes, compares by content. It has no length of its own; what the kernel calls
 * nr_cpu_ids belongs to the machine. Text forms are the kernel's.
 *
 * @throws InputError from every constructor given a CPU, text or word that is no mask
 */
export class CpuMask implements Iterable<number> {
  static readonly empty = new CpuMask(new Uint32Array(0));

  /** 32-bit words, CPU 0 in bit 0 of word 0, no zero word at the end. */
  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    let length = words.length;
    while (length > 0 && words[length - 1] === 0) length--;
    this.#words = length === words.length ? words : words.slice(0, length);
  }

  /** `CpuMask.of(0, 1, 8)` */
  static of(...cpus: readonly number[]): CpuMask {
    return CpuMask.from(cpus);
  }

  static from(cpus: Iterable<number>): CpuMask {
    const words = new Uint32Array(MAX_CPUS / 32);
    for (const cpu of cpus) words[checkCpu(cpu) >>> 5] = (words[cpu >>> 5] ?? 0) | (1 << (cpu & 31));
    return new CpuMask(words);
  }

  /** CPUs 0 to cpus - 1. */
  static all(cpus: number): CpuMask {
    return new CpuMask(wordsOfAll(cpus));
  }

  /**
   * From the kernel's cpulist format: `0-3,8`, with patterns `0-31:2/4` (the first 2 of every 4), `all` and `N` (the last CPU).
   *
   * @param cpus - number of CPUs: what `all` and `N` mean, and the bound of the rest
   */
  static fromList(text: string, cpus?: number): CpuMask {
    return new CpuMask(parseCpulist(text, cpus === undefined ? undefined : checkCount(cpus)));
  }

  /** From the kernel's hex format: `ff,ffffffff`, most significant chunk first; `0xff` as well. */
  static fromHex(text: string): CpuMask {
    return new CpuMask(parseHexMask(text));
  }

  /** From 64-bit words, CPUs 0 to 63 first, as in memory. */
  static fromWords(words: Iterable<bigint>): CpuMask {
    const halves: number[] = [];
    for (const word of words) {
      if (word < 0n || word >> 64n) throw new InputError(`${word}`, 'mask word', 'give numbers from 0 to 2^64 - 1');
      halves.push(Number(word & 0xffffffffn), Number(word >> 32n));
    }
    if (halves.slice(MAX_CPUS / 32).some((half) => half !== 0)) {
      throw new InputError(`${halves.length / 2} words`, 'mask', `a mask has at most ${MAX_CPUS} CPUs`);
    }
    return new CpuMask(Uint32Array.from(halves));
  }

  /** From a number whose bit n is CPU n. */
  static fromBigInt(value: bigint): CpuMask {
    if (value < 0n) throw new InputError(`${value}`, 'mask', 'a mask is not negative');
    return CpuMask.fromHex(value.toString(16));
  }

  /** From memory: bit n of byte m is CPU 8 m + n. */
  static fromBytes(bytes: Uint8Array): CpuMask {
    const words = new Uint32Array(Math.ceil(bytes.length / 4));
    for (const [i, byte] of bytes.entries()) words[i >>> 2] = (words[i >>> 2] ?? 0) | (byte << ((i & 3) * 8));
    if (words.subarray(MAX_CPUS / 32).some((word) => word !== 0)) {
      throw new InputError(`${bytes.length} bytes`, 'mask', `a mask has at most ${MAX_CPUS} CPUs`);
    }
    return new CpuMask(words);
  }

  #combine(other: CpuMask, op: (a: number, b: number) => number): CpuMask {
    const a = this.#words;
    const b = other.#words;
    const words = new Uint32Array(Math.max(a.length, b.length));
    for (let i = 0; i < words.length; i++) words[i] = op(a[i] ?? 0, b[i] ?? 0);
    return new CpuMask(words);
  }

  and(other: CpuMask): CpuMask {
    return this.#combine(other, (a, b) => a & b);
  }

  or(other: CpuMask): CpuMask {
    return this.#combine(other, (a, b) => a | b);
  }

  xor(other: CpuMask): CpuMask {
    return this.#combine(other, (a, b) => a ^ b);
  }

  /** CPUs of this mask that are not in the other. */
  andnot(other: CpuMask): CpuMask {
    return this.#combine(other, (a, b) => a & ~b);
  }

  /** CPUs 0 to cpus - 1 that are not in this mask. */
  complement(cpus: number): CpuMask {
    return CpuMask.all(cpus).andnot(this);
  }

  has(cpu: number): boolean {
    return (((this.#words[cpu >>> 5] ?? 0) >>> (cpu & 31)) & 1) === 1;
  }

  /** The lowest CPU; undefined when the mask is empty. */
  get first(): number | undefined {
    for (const cpu of this) return cpu;
    return undefined;
  }

  /** The highest CPU; undefined when the mask is empty. */
  get last(): number | undefined {
    const word = this.#words.at(-1);
    return word === undefined ? undefined : this.#words.length * 32 - 1 - Math.clz32(word);
  }

  /** Number of CPUs in the mask. */
  get weight(): number {
    return this.#words.reduce((sum, word) => sum + popcount(word), 0);
  }

  get isEmpty(): boolean {
    return this.#words.length === 0;
  }

  equals(other: CpuMask): boolean {
    return this.#words.length === other.#words.length && this.#words.every((word, i) => word === other.#words[i]);
  }

  intersects(other: CpuMask): boolean {
    return this.#words.some((word, i) => (word & (other.#words[i] ?? 0)) !== 0);
  }

  isSubsetOf(other: CpuMask): boolean {
    return this.#words.every((word, i) => (word & ~(other.#words[i] ?? 0)) === 0);
  }

  /** CPUs in ascending order. */
  *[Symbol.iterator](): Generator<number, undefined, undefined> {
    for (const [i, word] of this.#words.entries()) {
      for (let rest = word; rest !== 0; rest &= rest - 1) yield i * 32 + (31 - Math.clz32(rest & -rest));
    }
    return undefined;
  }

  /** The kernel's cpulist format; empty for the empty mask. */
  toString(): string {
    return formatCpulist(this);
  }

  toJSON(): string {
    return this.toString();
  }

  /** The kernel's hex format; with `cpus`, padded as the kernel prints a mask of that many bits. */
  toHex(cpus?: number): string {
    return formatHexMask(this.#words, cpus === undefined ? undefined : checkCount(cpus));
  }

  /** 64-bit words, CPUs 0 to 63 first; no zero word at the end unless `count` asks for so many. */
  toWords(count = 0): bigint[] {
    const length = Math.max(count, Math.ceil(this.#words.length / 2));
    const half = (i: number) => BigInt(this.#words[i] ?? 0);
    return Array.from({ length }, (_, i) => half(2 * i) | (half(2 * i + 1) << 32n));
  }

  toBigInt(): bigint {
    return this.toWords().reduceRight((value, word) => (value << 64n) | word, 0n);
  }

  /** `size` bytes as in memory; CPUs from 8 * size on are left out. */
  toBytes(size: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: size }, (_, i) => ((this.#words[i >>> 2] ?? 0) >>> ((i & 3) * 8)) & 0xff);
  }
}
