/**
 * Streams of operations on cpumasks to try on a kernel: what `capture` runs on a live one and the fuzzers compare. The same
 * seed, profile and sizes give the same stream.
 */
import { Random } from '../random.ts';
import { GOLDEN_SLOTS, type GoldenOp } from './golden.ts';

/** Sizes of the kernel that a stream is for. */
export interface StreamSizes {
  readonly nrCpuIds: number;
  readonly nrCpus: number;
  /** The kernel has bpf_cpumask_populate. */
  readonly populate: boolean;
}

type Draw = (random: Random, sizes: StreamSizes) => GoldenOp;

const slot = (random: Random) => random.below(GOLDEN_SLOTS);

/** A CPU number: mostly of the machine, else at and around every limit there is, or any u32. */
function cpu(random: Random, { nrCpuIds, nrCpus }: StreamSizes): number {
  const edges = [nrCpuIds - 1, nrCpuIds, nrCpuIds + 1, 63, 64, 65, nrCpus - 1, nrCpus, 0x7fffffff, 0xffffffff];
  switch (random.below(8)) {
    case 0:
      return random.pick(edges) >>> 0;
    case 1:
      return random.next();
    default:
      return random.below(nrCpuIds);
  }
}

const on = (name: string, slots: number): Draw => {
  return (random) => [name, ...Array.from({ length: slots }, () => slot(random))];
};
const onCpu = (name: string): Draw => {
  return (random, sizes) => [name, slot(random), cpu(random, sizes)];
};

/** Bytes of a mask, sometimes of a size that is refused, sometimes not aligned. */
const populate: Draw = (random, { nrCpuIds, nrCpus }) => {
  const needed = Math.ceil(nrCpuIds / 64) * 8;
  const sizes = [needed, needed, needed, Math.ceil(nrCpus / 64) * 8, needed + 8, needed - 1, needed - 8, 0, 1];
  const size = Math.min(Math.max(random.pick(sizes), 0), 2048);
  const byte = random.pick([() => random.below(256), () => 0, () => 255]);
  const hex = Array.from({ length: size }, () => byte().toString(16).padStart(2, '0')).join('');
  return ['populate', slot(random), size, random.pick([0, 0, 0, 1, 4, 7]), hex || '-'];
};

const QUERIES = ['first', 'first_zero', 'weight', 'empty', 'full'].map((name) => on(name, 1));
const PAIRS = ['first_and', 'equal', 'intersects', 'subset'].map((name) => on(name, 2));
const DISTRIBUTE = [on('any_distribute', 1), on('any_and_distribute', 2)];
const BITS = ['set_cpu', 'clear_cpu', 'test_cpu', 'test_and_set_cpu', 'test_and_clear_cpu'].map(onCpu);
const WHOLE = [on('setall', 1), on('clear', 1), on('copy', 2), on('and', 3), on('or', 3), on('xor', 3)];
const LIFE = [on('create', 1), on('acquire', 2), on('release', 1), on('xchg', 2)];

/** What a profile draws from; a row named twice is drawn twice as often. */
export const PROFILES = {
  uniform: [...QUERIES, ...PAIRS, ...DISTRIBUTE, ...BITS, ...WHOLE, populate],
  edge: [...BITS, ...BITS, ...QUERIES, on('setall', 1), on('clear', 1)],
  tail: [on('setall', 1), ...WHOLE, ...WHOLE, ...QUERIES, ...PAIRS, populate],
  dist: [...DISTRIBUTE, ...DISTRIBUTE, ...DISTRIBUTE, ...BITS, on('setall', 1)],
  alias: [...WHOLE, ...PAIRS, ...BITS, on('acquire', 2), on('xchg', 2)],
  life: [...LIFE, ...LIFE, ...BITS, ...QUERIES, ...PAIRS],
  pop: [populate, populate, populate, ...QUERIES, ...BITS, on('setall', 1)],
} as const satisfies Record<string, readonly Draw[]>;
export type ProfileName = keyof typeof PROFILES;

const slots = Array.from({ length: GOLDEN_SLOTS }, (_, i) => i);

/**
 * A stream: masks in the slots (half of them for `life`), the distribute state set to a known CPU, `length` operations, and a
 * dump of every slot at the end.
 */
export function generateStream(profile: ProfileName, seed: number, length: number, sizes: StreamSizes): GoldenOp[] {
  const random = new Random(seed);
  const rows: readonly Draw[] = PROFILES[profile].filter((draw) => sizes.populate || draw !== populate);
  const last = GOLDEN_SLOTS - 1;
  const filled = profile === 'life' ? slots.filter((i) => i === last || i % 2 === 0) : slots;
  const start: GoldenOp[] = [
    ...filled.map((i): GoldenOp => ['create', i]),
    ['set_cpu', last, random.below(sizes.nrCpuIds)],
    ['any_distribute', last],
    ['clear', last],
  ];
  const middle = Array.from({ length }, () => random.pick(rows)(random, sizes));
  return [...start, ...middle, ...slots.map((i): GoldenOp => ['dump', i])];
}
