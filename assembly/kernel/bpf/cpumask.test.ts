import { describe, expect, it } from 'vitest';
import { kfuncByName } from '../../../src/kernel/bpf/kfuncs/index.ts';
import type { KernelMemory } from '../../../src/kernel/memory.ts';
import { type Bits, Oracle, type OracleResult } from '../../../test/support/cpumask_oracle.ts';
import { Random, type TestMachine, testMemory } from '../../../test/support/memory.ts';
import { ALLOC_BUFFER, FEATURE_DISTRIBUTE_NR_CPU_IDS, PC_DISTRIBUTE_PREV } from '../../layout.ts';

/** nr_cpu_ids that the issue names, then builds whose masks are one word, or short enough for whole-mask copies. */
const MACHINES: readonly (TestMachine & { cpus: number; nrCpus: number })[] = [
  ...[1, 2, 63, 64, 65, 130, 255, 4096, 8192].map((cpus) => ({ cpus, nrCpus: 8192 })),
  { cpus: 2, nrCpus: 256 },
  { cpus: 200, nrCpus: 256 },
  { cpus: 3, nrCpus: 48 },
  { cpus: 3, nrCpus: 48, features: FEATURE_DISTRIBUTE_NR_CPU_IDS },
  { cpus: 47, nrCpus: 48 },
  { cpus: 64, nrCpus: 64 },
  { cpus: 1, nrCpus: 1 },
];

/** Byte behind the mask and the refcount: nothing may touch it. */
const GUARD = 0xa5;

/** A kfunc under test: what it is called with, in order, and the oracle's word. */
interface Case {
  readonly args: readonly ('mask' | 'cpu')[];
  readonly oracle: (oracle: Oracle, masks: readonly Bits[], cpu: number) => OracleResult;
}

const masks = (count: number, op: (oracle: Oracle, ...bits: Bits[]) => OracleResult): Case => ({
  args: new Array<'mask'>(count).fill('mask'),
  oracle: (oracle, bits) => op(oracle, ...bits),
});
const onCpu = (op: (oracle: Oracle, cpu: number, bits: Bits) => OracleResult): Case => ({
  args: ['cpu', 'mask'],
  oracle: (oracle, [a = []], cpu) => op(oracle, cpu, a),
});

const CASES = {
  bpf_cpumask_first: masks(1, (o, a = []) => o.first(a)),
  bpf_cpumask_first_zero: masks(1, (o, a = []) => o.first_zero(a)),
  bpf_cpumask_first_and: masks(2, (o, a = [], b = []) => o.first_and(a, b)),
  bpf_cpumask_set_cpu: onCpu((o, cpu, a) => o.set_cpu(cpu, a)),
  bpf_cpumask_clear_cpu: onCpu((o, cpu, a) => o.clear_cpu(cpu, a)),
  bpf_cpumask_test_cpu: onCpu((o, cpu, a) => o.test_cpu(cpu, a)),
  bpf_cpumask_test_and_set_cpu: onCpu((o, cpu, a) => o.test_and_set_cpu(cpu, a)),
  bpf_cpumask_test_and_clear_cpu: onCpu((o, cpu, a) => o.test_and_clear_cpu(cpu, a)),
  bpf_cpumask_setall: masks(1, (o, a = []) => o.setall(a)),
  bpf_cpumask_clear: masks(1, (o, a = []) => o.clear(a)),
  bpf_cpumask_and: masks(3, (o, d = [], a = [], b = []) => o.and(d, a, b)),
  bpf_cpumask_or: masks(3, (o, d = [], a = [], b = []) => o.or(d, a, b)),
  bpf_cpumask_xor: masks(3, (o, d = [], a = [], b = []) => o.xor(d, a, b)),
  bpf_cpumask_equal: masks(2, (o, a = [], b = []) => o.equal(a, b)),
  bpf_cpumask_intersects: masks(2, (o, a = [], b = []) => o.intersects(a, b)),
  bpf_cpumask_subset: masks(2, (o, a = [], b = []) => o.subset(a, b)),
  bpf_cpumask_empty: masks(1, (o, a = []) => o.empty(a)),
  bpf_cpumask_full: masks(1, (o, a = []) => o.full(a)),
  bpf_cpumask_copy: masks(2, (o, d = [], a = []) => o.copy(d, a)),
  bpf_cpumask_any_distribute: masks(1, (o, a = []) => o.any_distribute(a)),
  bpf_cpumask_any_and_distribute: masks(2, (o, a = [], b = []) => o.any_and_distribute(a, b)),
  bpf_cpumask_any: masks(1, (o, a = []) => o.any(a)),
  bpf_cpumask_any_and: masks(2, (o, a = [], b = []) => o.any_and(a, b)),
  bpf_cpumask_weight: masks(1, (o, a = []) => o.weight(a)),
} as const satisfies Partial<Record<keyof KernelMemory['exports'], Case>>;

function bytesOf(bits: Bits): Uint8Array {
  const bytes = new Uint8Array(bits.length / 8);
  for (const [i, bit] of bits.entries()) if (bit) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  return bytes;
}

/** Random bits of several kinds: what one kind misses another finds. */
function randomBits(random: Random, { size, nr }: Oracle): Bits {
  const make = random.pick<(i: number) => boolean>([
    () => false,
    () => true,
    (i) => i < nr,
    (i) => i >= nr,
    () => random.below(2) === 0,
    () => random.below(nr) === 0,
    () => random.below(nr) !== 0,
    (i) => i === nr - 1,
    (i) => i % 64 === 63,
  ]);
  const bits = Array.from({ length: size }, (_, i) => make(i));
  if (random.below(3) === 0) {
    const flip = random.below(size);
    bits[flip] = !bits[flip];
  }
  return bits;
}

/** CPU numbers in and out of range; arguments are unsigned 32-bit. */
function randomCpu(random: Random, { nr, size }: Oracle): number {
  return random.pick([
    random.below(nr),
    random.below(nr),
    0,
    nr - 1,
    nr,
    nr + 1,
    size - 1,
    size,
    64,
    random.below(size),
    0x7fffffff,
    0x80000000,
    0xffffffff,
  ]);
}

/** Three struct bpf_cpumask in a row, set from bits, with guards behind. */
class Bench {
  readonly memory: KernelMemory;
  readonly oracle: Oracle;
  readonly at: readonly number[];
  readonly #size: number;
  readonly #images = new WeakMap<Bits, Uint8Array>();

  constructor(machine: TestMachine & { cpus: number; nrCpus: number }) {
    this.memory = testMemory(machine);
    this.oracle = new Oracle(machine.cpus, machine.nrCpus, machine.features === FEATURE_DISTRIBUTE_NR_CPU_IDS);
    this.#size = this.oracle.size / 8 + 16;
    this.at = [0, 1, 2].map(() => this.memory.kmalloc(this.#size, ALLOC_BUFFER));
  }

  set(i: number, bits: Bits): void {
    this.memory.write(this.at[i] ?? 0, this.#image(bits));
  }

  /** Mask i holds `bits`, and what lies behind it is untouched. */
  expect(i: number, bits: Bits): void {
    const have = this.memory.read(this.at[i] ?? 0, this.#size);
    const want = this.#image(bits);
    // Comparing kilobytes element by element is slow; do it only to show a difference.
    if (Buffer.compare(have, want) !== 0) expect(have).toEqual(want);
  }

  /** The bytes of a mask and the guard behind. */
  #image(bits: Bits): Uint8Array {
    let image = this.#images.get(bits);
    if (!image) {
      image = new Uint8Array(this.#size).fill(GUARD);
      image.set(bytesOf(bits));
      this.#images.set(bits, image);
    }
    return image;
  }
}

const ROUNDS = 60;
/** Masks that the rounds of a machine draw from. */
const POOL = 40;

describe.each(MACHINES)('nr_cpu_ids $cpus of NR_CPUS $nrCpus', (machine) => {
  const bench = new Bench(machine);
  const { memory, oracle } = bench;
  const pool = new Random(machine.cpus);
  const bitsPool = Array.from({ length: POOL }, () => randomBits(pool, oracle));

  it.each(Object.entries(CASES))('%s', (name, { args, oracle: ask }) => {
    const random = new Random(machine.cpus * 31 + name.length);
    const call = memory.exports[name as keyof typeof CASES] as (...args: number[]) => number | undefined;
    oracle.previous = 0;
    memory.setU32(memory.percpu(0) + PC_DISTRIBUTE_PREV, 0);
    for (let round = 0; round < ROUNDS; round++) {
      // Sources may be the destination, and one mask may stand for all.
      const aliased = random.below(4) === 0;
      const slots = args.map((kind, i) => (kind === 'cpu' ? -1 : aliased ? random.below(2) : i));
      const bits = [0, 1, 2].map(() => random.pick(bitsPool));
      // Equal contents in two masks, which chance would never give.
      if (random.below(4) === 0) bits.copyWithin(random.below(2), 2);
      if (random.below(4) === 0) bits.copyWithin(0, 1, 2);
      for (const [i, mask] of bits.entries()) bench.set(i, mask);
      const cpu = randomCpu(random, oracle);
      const used = slots.filter((slot) => slot >= 0);
      const want = ask(
        oracle,
        used.map((slot) => bits[slot] ?? []),
        cpu,
      );
      const have = call(...slots.map((slot) => (slot < 0 ? cpu : (bench.at[slot] ?? 0))));
      expect(have === undefined ? undefined : have >>> 0).toBe(want.value);
      for (const [i, mask] of bits.entries()) {
        bench.expect(i, i === used[0] && want.dst ? want.dst : mask);
      }
      expect(memory.u32At(memory.percpu(0) + PC_DISTRIBUTE_PREV)).toBe(oracle.previous);
    }
  });

  it('bpf_cpumask_populate', () => {
    const random = new Random(machine.cpus);
    const needed = oracle.words(machine.cpus) / 8;
    const source = memory.kmalloc(oracle.size / 8 + 64, ALLOC_BUFFER);
    for (let round = 0; round < ROUNDS; round++) {
      const size = random.pick([0, needed - 1, needed, needed + 1, needed + 8, 1, oracle.size / 8]);
      const misaligned = random.below(9);
      const before = random.pick(bitsPool);
      const bits = Array.from({ length: size * 8 }, () => random.below(2) === 0);
      bench.set(0, before);
      memory.u8().fill(0xee, source, source + oracle.size / 8 + 64);
      memory.write(source + misaligned, bytesOf(bits));
      const want = oracle.populate(before, bits);
      const have = memory.exports.bpf_cpumask_populate(bench.at[0] ?? 0, source + misaligned, BigInt(size));
      expect(have).toBe(want.value);
      bench.expect(0, want.dst ?? before);
    }
    // A size is 64 bits wide: none of them may get lost.
    expect(memory.exports.bpf_cpumask_populate(bench.at[0] ?? 0, source, 1n << 32n)).toBe(0);
  });
});

it('rotates per CPU, not per mask', () => {
  const memory = testMemory({ cpus: 8 });
  const { exports } = memory;
  const [a, b] = [exports.bpf_cpumask_create(), exports.bpf_cpumask_create()];
  for (const cpu of [1, 3, 5]) {
    exports.bpf_cpumask_set_cpu(cpu, a);
    exports.bpf_cpumask_set_cpu(cpu, b);
  }
  const turn = () => [exports.bpf_cpumask_any_distribute(a), exports.bpf_cpumask_any_and_distribute(b, a)];
  expect([...turn(), ...turn()]).toEqual([1, 3, 5, 1]);
  memory.setCpu(7);
  expect(turn()).toEqual([1, 3]);
  memory.setCpu(0);
  expect(turn()).toEqual([3, 5]);
});

it('has a test for every kfunc of kernel/bpf/cpumask.c that has a function', () => {
  const elsewhere = ['create', 'release', 'acquire', 'kptr_get', 'release_dtor', 'populate'].map(
    (name) => `bpf_cpumask_${name}`,
  );
  for (const name of [...Object.keys(CASES), ...elsewhere])
    expect(kfuncByName(name)?.source).toBe('kernel/bpf/cpumask.c');
  const exported = Object.keys(testMemory().exports).filter((name) => name.startsWith('bpf_cpumask_'));
  expect(exported.sort()).toEqual([...Object.keys(CASES), ...elsewhere].sort());
});
