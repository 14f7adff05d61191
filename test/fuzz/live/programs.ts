/**
 * Random programs that compute: pieces of plain instructions, map accesses, loops, callbacks and cpumask kfuncs, each complete in
 * itself, so that any subset of them is a program too. What they compute goes into r9, the maps, and the masks in map `k`.
 */
import { Random } from '../../../src/random.ts';
import type { MapCase, VerifierCase } from '../../verifier/case.ts';
import { randomInsns } from './isa.ts';

/** Sizes of the kernel that programs are for. */
export interface ProgramSizes {
  readonly nrCpuIds: number;
  readonly nrCpus: number;
}

/** A program in parts; pieces, and lines of them, may be left out one by one. */
export interface RandomProgram {
  readonly type: 'syscall' | 'sched_cls';
  readonly pieces: readonly (readonly string[])[];
  readonly sizes: ProgramSizes;
  readonly seed: number;
}

const MASKS = 4;
const VALUE = 64;
const MAPS: Readonly<Record<string, MapCase>> = {
  m: { value: VALUE, max: 3 },
  h: { type: 'hash', key: 4, value: 16, max: 4 },
  l: { type: 'lru_hash', key: 8, value: 8, max: 64 },
  p: { type: 'percpu_array', value: 24, max: 2 },
  k: { of: 'kptr', max: MASKS },
};

interface Scene {
  readonly random: Random;
  readonly sizes: ProgramSizes;
  /** Ends each of the piece's labels. */
  readonly id: string;
}
type Piece = (scene: Scene) => string[];

/** r9 takes r0 in. */
const FOLD = ['r9 *= 31', 'r9 ^= r0'];
/** After a piece that had pointers in them. */
const CLEAN = ['r6 = r9', 'r7 = r9', 'r8 = r9'];

const lookup = (map: string, key: number, bytes: 4 | 8 = 4) => [
  ...(bytes === 8 ? [`*(u64 *)(r10 -48) = ${key}`] : [`*(u32 *)(r10 -48) = ${key}`]),
  ...['r2 = r10', 'r2 += -48', `r1 = map(${map})`, 'call bpf_map_lookup_elem'],
];

function cpu(random: Random, { nrCpuIds, nrCpus }: ProgramSizes): number {
  if (random.below(6)) return random.below(nrCpuIds);
  return random.pick([nrCpuIds - 1, nrCpuIds, nrCpuIds + 1, 63, 64, nrCpus - 1, nrCpus, 0x7fffffff, -1]);
}

const plain: Piece = ({ random }) => {
  const numbers = [0, 1, 2, 3, 4, 5].map(
    (reg) => `r${reg} = ${random.pick(['r9', 'r8', '1', '-1', '64', '0x7fffffff'])}`,
  );
  return [...numbers, ...randomInsns(random, 4 + random.below(16)), ...FOLD];
};

const loop: Piece = ({ random, id }) => [
  ...[0, 1, 2, 3, 4, 5, 6].map((reg) => `r${reg} = r9`),
  `r7 = ${1 + random.below(6)}`,
  `top${id}:`,
  ...[0, 1, 2].map(
    () => `r${random.below(7)} ${random.pick(['+=', '^=', '*=', '-=', '|='])} r${random.pick([0, 3, 6, 9])}`,
  ),
  'r7 += -1',
  `if r7 != 0 goto top${id}`,
  ...['r9 ^= r0', 'r9 += r3'],
];

const arrayAccess: Piece = ({ random, id }) => {
  const map = random.pick(['m', 'm', 'p']);
  const size = random.pick([32, 64]);
  const words = (map === 'm' ? VALUE : 24) / (size / 8);
  const place = `((u${size} *)(r6 +${(size / 8) * random.below(words)}), `;
  const at = `*(u${size} *)(r6 +${(size / 8) * random.below(words)})`;
  const name = size === 64 ? 'atomic64' : 'atomic';
  const change = random.pick([
    [`${at} = r9`],
    [`lock ${at} ${random.pick(['+=', '|=', '&=', '^='])} r9`],
    [`r0 = r9`, `r0 = ${name}_fetch_${random.pick(['add', 'or', 'and', 'xor'])}${place}r0)`, ...FOLD],
    [`r0 = r9`, `r0 = ${name}_xchg${place}r0)`, ...FOLD],
    [`r0 = ${random.pick(['0', 'r9'])}`, `r0 = ${name}_cmpxchg${place}r0, r9)`, ...FOLD],
  ]);
  return [
    ...lookup(map, random.below(4)),
    `if r0 == 0 goto none${id}`,
    'r6 = r0',
    ...change,
    `r0 = ${at}`,
    `none${id}:`,
    ...['r9 += 1'],
    ...CLEAN,
  ];
};

const hash: Piece = ({ random, id }) => {
  const [map, bytes] = random.pick([
    ['h', 4],
    ['l', 8],
  ] as const);
  const key = random.below(6);
  const place = bytes === 8 ? `*(u64 *)(r10 -48) = ${key}` : `*(u32 *)(r10 -48) = ${key}`;
  const from = (register: number, at: number) => [`r${register} = r10`, `r${register} += ${at}`];
  switch (random.below(3)) {
    case 0:
      return [
        ...[
          '*(u64 *)(r10 -64) = r9',
          '*(u64 *)(r10 -56) = 7',
          place,
          `r1 = map(${map})`,
          ...from(2, -48),
          ...from(3, -64),
        ],
        `r4 = ${random.below(4)}`,
        'call bpf_map_update_elem',
        ...FOLD,
      ];
    case 1:
      return [place, `r1 = map(${map})`, ...from(2, -48), 'call bpf_map_delete_elem', ...FOLD];
    default:
      return [
        ...lookup(map, key, bytes),
        `if r0 == 0 goto none${id}`,
        'r0 = *(u64 *)(r0 +0)',
        `none${id}:`,
        ...FOLD,
        ...CLEAN,
      ];
  }
};

const callback: Piece = ({ random, id }) => [
  '*(u64 *)(r10 -64) = r9',
  `r1 = ${random.below(20)}`,
  'r2 = func(each)',
  'r3 = r10',
  'r3 += -64',
  'r4 = 0',
  'call bpf_loop',
  ...FOLD,
  'r0 = *(u64 *)(r10 -64)',
  ...FOLD,
  `out${id}:`,
];

const subprogram: Piece = ({ random }) => ['r1 = r9', `r2 = ${random.below(100)}`, 'call mix', ...FOLD];

/** Puts the mask in r7 into a slot; what was there is released, and counts so much in r9. */
const keep = (key: number, id: string, count: number) => [
  ...lookup('k', key),
  `if r0 != 0 goto slot${id}`,
  ...['r1 = r7', 'call bpf_cpumask_release', `goto none${id}`],
  `slot${id}:`,
  ...['r1 = r0', 'r1 += 8', 'r2 = r7', 'call bpf_kptr_xchg', `if r0 == 0 goto none${id}`],
  ...['r1 = r0', 'call bpf_cpumask_release', `r9 += ${count}`],
  `none${id}:`,
  ...CLEAN,
];

/** A new mask in a slot; what was there is released. */
const create: Piece = ({ random, id }) => [
  'call bpf_cpumask_create',
  `if r0 == 0 goto none${id}`,
  'r7 = r0',
  ...keep(random.below(MASKS), id, 3),
];

/** Moves a mask from one slot to another. */
const move: Piece = ({ random, id }) => [
  ...lookup('k', random.below(MASKS)),
  `if r0 == 0 goto none${id}`,
  ...['r1 = r0', 'r1 += 8', 'r2 = 0', 'call bpf_kptr_xchg', `if r0 == 0 goto none${id}`, 'r7 = r0'],
  ...keep(random.below(MASKS), id, 5),
];

/** Kfuncs by what they take, b: a number of a CPU, m: a mask. */
const KFUNCS: Readonly<Record<string, string>> = {
  ...{ first: 'm', first_zero: 'm', weight: 'm', empty: 'm', full: 'm', any_distribute: 'm', setall: 'm', clear: 'm' },
  ...{ first_and: 'mm', equal: 'mm', intersects: 'mm', subset: 'mm', any_and_distribute: 'mm', copy: 'mm' },
  ...{ and: 'mmm', or: 'mmm', xor: 'mmm' },
  ...{ test_cpu: 'bm', set_cpu: 'bm', clear_cpu: 'bm', test_and_set_cpu: 'bm', test_and_clear_cpu: 'bm' },
};
/** Kfuncs that give nothing, so that r0 holds none of their business after them. */
const VOID = new Set(['setall', 'clear', 'copy', 'or', 'xor', 'set_cpu', 'clear_cpu']);
/** Those that give a number; of the others, which give a bool, only the low byte is defined (docs/parity/live.md). */
const NUMBER = new Set(['first', 'first_zero', 'weight', 'any_distribute', 'first_and', 'any_and_distribute']);

/** r0 = its own words, one after the other, into r9. */
const foldWords = (register: string, { nrCpus }: ProgramSizes) =>
  Array.from({ length: Math.min(nrCpus / 64, 4) }, (_, i) => [`r0 = *(u64 *)(${register} +${8 * i})`, ...FOLD]).flat();

/** A kfunc on masks in slots, under RCU; they stay where they are. */
const onMasks: Piece = ({ random, sizes, id }) => {
  const name = random.pick(Object.keys(KFUNCS));
  const takes = KFUNCS[name] ?? '';
  const masks = [...takes].filter((kind) => kind === 'm').map((_, i) => `r${6 + i}`);
  const load = masks.flatMap((register) => [
    ...lookup('k', random.below(MASKS)),
    `if r0 == 0 goto unlock${id}`,
    `${register} = *(u64 *)(r0 +8)`,
    `if ${register} == 0 goto unlock${id}`,
  ]);
  const left = [...masks];
  const args = [...takes].map((kind, i) => `r${i + 1} = ${kind === 'b' ? cpu(random, sizes) : left.shift()}`);
  return [
    'call bpf_rcu_read_lock',
    ...load,
    ...args,
    `call bpf_cpumask_${name}`,
    ...(VOID.has(name) ? [] : [NUMBER.has(name) ? 'w0 = w0' : 'r0 &= 255', ...FOLD]),
    ...foldWords('r6', sizes),
    `unlock${id}:`,
    'call bpf_rcu_read_unlock',
    ...CLEAN,
  ];
};

/** A mask leaves its slot, gets a second reference and loses it again, and comes back; reading its usage meanwhile. */
const reference: Piece = ({ random, sizes, id }) => {
  const usage = ['r0 = *(u32 *)(r7 +USAGE)'.replace('USAGE', String(Math.ceil(sizes.nrCpus / 64) * 8)), ...FOLD];
  const slot = random.below(MASKS);
  return [
    ...lookup('k', slot),
    `if r0 == 0 goto none${id}`,
    ...['r1 = r0', 'r1 += 8', 'r2 = 0', 'call bpf_kptr_xchg', `if r0 == 0 goto none${id}`, 'r7 = r0'],
    ...['r1 = r7', 'call bpf_cpumask_acquire', `if r0 == 0 goto back${id}`, 'r6 = r0'],
    ...usage,
    ...['r1 = r6', 'call bpf_cpumask_release'],
    ...usage,
    `back${id}:`,
    ...keep(slot, id, 5),
  ];
};

const populate: Piece = ({ random, sizes, id }) => {
  const needed = Math.ceil(sizes.nrCpuIds / 64) * 8;
  const size = random.pick([needed, needed, 8, 16, 24, 1]);
  return [
    ...[-64, -56, -48].map((at) => `*(u64 *)(r10 ${at}) = ${random.pick(['r9', '-1', '5', '0'])}`),
    'call bpf_cpumask_create',
    `if r0 == 0 goto none${id}`,
    'r6 = r0',
    ...['r1 = r6', 'r2 = r10', `r2 += ${random.pick([-64, -64, -64, -61])}`, `r3 = ${Math.min(size, 24)}`],
    ...['call bpf_cpumask_populate', ...FOLD, ...foldWords('r6', sizes), 'r1 = r6', 'call bpf_cpumask_release'],
    `none${id}:`,
    ...CLEAN,
  ];
};

const PLAIN: readonly Piece[] = [plain, plain, loop, arrayAccess, arrayAccess, hash, hash, callback, subprogram];
const MASKING: readonly Piece[] = [create, create, move, onMasks, onMasks, onMasks, onMasks, reference, populate];

/** The same seed and sizes give the same program. */
export function randomProgram(seed: number, sizes: ProgramSizes): RandomProgram {
  const random = new Random(seed);
  const type = random.below(5) === 0 ? 'sched_cls' : 'syscall';
  const from = type === 'syscall' ? [...PLAIN, ...MASKING, ...MASKING] : PLAIN;
  const count = 2 + random.below(12);
  const pieces = Array.from({ length: count }, (_, i) => random.pick(from)({ random, sizes, id: String(i) }));
  return { type, pieces, sizes, seed };
}

/** Slots filled and the distribute state of this CPU known, as streams of golden vectors begin. */
const prologue = (sizes: ProgramSizes): string[] => {
  const scene = (id: number) => ({ random: new Random(id), sizes, id: `p${id}` });
  return [
    ...['call bpf_cpumask_create', 'if r0 == 0 goto begin', 'r6 = r0'],
    ...['r1 = 0', 'r2 = r6', 'call bpf_cpumask_set_cpu', 'r1 = r6', 'call bpf_cpumask_any_distribute'],
    ...['r1 = r6', 'call bpf_cpumask_release', 'begin:', ...CLEAN],
    ...create(scene(1)),
    ...create(scene(2)),
  ];
};

/** What the masks hold at the end. */
const epilogue = (sizes: ProgramSizes): string[] => [
  'call bpf_rcu_read_lock',
  ...Array.from({ length: MASKS }, (_, i) => [
    ...lookup('k', i),
    `if r0 == 0 goto end${i}`,
    'r6 = *(u64 *)(r0 +8)',
    `if r6 == 0 goto end${i}`,
    ...foldWords('r6', sizes),
    `end${i}:`,
    'r9 += 1',
    'r6 = r9',
  ]).flat(),
  'call bpf_rcu_read_unlock',
];

/** Functions that pieces call; the kernel refuses one that nobody does. */
const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  each: [
    ...['each:', 'r3 = *(u64 *)(r2 +0)', 'r3 *= 33', 'r3 += r1', '*(u64 *)(r2 +0) = r3'],
    ...['r0 = 0', 'if r1 != 13 goto +1', 'r0 = 1', 'exit'],
  ],
  mix: ['mix:', 'r0 = r1', 'r0 ^= r2', 'r0 *= 7', 'exit'],
};

/** As the verifier gets it. */
export function programCase({ type, pieces, sizes, seed }: RandomProgram): VerifierCase {
  const masks = type === 'syscall';
  const body = [
    `r9 = ${(seed * 0x9e3779b1) | 0}`,
    ...CLEAN,
    ...[-8, -16, -24, -32, -40, -48, -56, -64].map((at) => `*(u64 *)(r10 ${at}) = r9`),
    ...(masks ? prologue(sizes) : []),
    ...pieces.flat(),
    ...(masks ? epilogue(sizes) : []),
    ...[...lookup('m', 0), 'if r0 == 0 goto last', '*(u64 *)(r0 +56) = r9', 'last:'],
    ...['r0 = r9', 'r0 >>= 32', 'r0 ^= r9', 'w0 = w0', 'exit'],
  ].join('\n');
  const used = Object.keys(FUNCTIONS).filter((name) => new RegExp(`func\\(${name}\\)|call ${name}\\b`).test(body));
  const funcs = Object.fromEntries(used.map((name) => [name, 'static' as const]));
  const asm = [body, ...used.flatMap((name) => FUNCTIONS[name] ?? [])].join('\n');
  return { name: `program ${seed}`, type, maps: MAPS, funcs, asm };
}
