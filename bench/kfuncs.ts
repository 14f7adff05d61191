/** ns per kfunc called from TypeScript, beside typedfastbitset doing the same work, in one run. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { do_not_optimize, measure } from 'mitata';
import { CpuMask } from '../src/kernel/cpu_mask.ts';
import { createKfuncs, type Kfuncs } from '../src/kernel/kfuncs_api.ts';
import { KernelMemory } from '../src/kernel/memory.ts';
import { readAsset } from '../src/platform/node/assets.ts';
import type { Figure, Measured } from './figures.ts';
import { table } from './table.ts';

/** The part of typedfastbitset that is compared. */
interface BitSet {
  add(index: number): void;
  remove(index: number): void;
  has(index: number): boolean;
  checkedAdd(index: number): 0 | 1;
  addRange(start: number, end: number): void;
  clear(): void;
  size(): number;
  isEmpty(): boolean;
  equals(other: BitSet): boolean;
  intersects(other: BitSet): boolean;
  difference_size(other: BitSet): number;
  intersection(other: BitSet): BitSet;
  union(other: BitSet): BitSet;
  change(other: BitSet): BitSet;
  clone(): BitSet;
  [Symbol.iterator](): IterableIterator<number>;
}
type BitSetClass = new (cpus: Iterable<number>) => BitSet;

type Masks = ReturnType<Kfuncs['bpf_cpumask_create']>;

/** Three masks with the same CPUs on both sides: a and b equal, c without a CPU in common with them. */
interface Sides {
  readonly cpus: number;
  readonly k: Kfuncs;
  readonly ours: readonly [a: Masks, b: Masks, c: Masks];
  readonly theirs: readonly [a: BitSet, b: BitSet, c: BitSet];
  /** A new set of theirs. */
  readonly empty: () => BitSet;
}

interface Row {
  readonly kfunc: string;
  /** What typedfastbitset is asked for. */
  readonly beside: string;
  readonly ours: (sides: Sides) => () => unknown;
  readonly theirs: (sides: Sides) => () => unknown;
}

/** Walks over all CPUs, so that no call is the same as the one before. */
function walk(cpus: number, body: (cpu: number) => unknown): () => unknown {
  let cpu = 0;
  return () => {
    cpu = (cpu + 7) & (cpus - 1);
    return body(cpu);
  };
}

const ROWS: readonly Row[] = [
  {
    kfunc: 'test_cpu',
    beside: 'has',
    ours: ({ cpus, k, ours: [a] }) => walk(cpus, (cpu) => k.bpf_cpumask_test_cpu(cpu, a)),
    theirs: ({ cpus, theirs: [a] }) => walk(cpus, (cpu) => a.has(cpu)),
  },
  {
    kfunc: 'set_cpu',
    beside: 'add',
    ours: ({ cpus, k, ours: [, , c] }) => walk(cpus, (cpu) => k.bpf_cpumask_set_cpu(cpu, c)),
    theirs: ({ cpus, theirs: [, , c] }) => walk(cpus, (cpu) => c.add(cpu)),
  },
  {
    kfunc: 'test_and_set_cpu',
    beside: 'checkedAdd',
    ours: ({ cpus, k, ours: [, , c] }) => walk(cpus, (cpu) => k.bpf_cpumask_test_and_set_cpu(cpu, c)),
    theirs: ({ cpus, theirs: [, , c] }) => walk(cpus, (cpu) => c.checkedAdd(cpu)),
  },
  {
    kfunc: 'first',
    beside: 'iterator',
    ours:
      ({ k, ours: [a] }) =>
      () =>
        k.bpf_cpumask_first(a),
    theirs:
      ({ theirs: [a] }) =>
      () =>
        a[Symbol.iterator]().next().value,
  },
  {
    kfunc: 'weight',
    beside: 'size',
    ours:
      ({ k, ours: [a] }) =>
      () =>
        k.bpf_cpumask_weight(a),
    theirs:
      ({ theirs: [a] }) =>
      () =>
        a.size(),
  },
  {
    kfunc: 'and',
    beside: 'intersection',
    ours:
      ({ k, ours: [a, b] }) =>
      () =>
        k.bpf_cpumask_and(a, a, b),
    theirs:
      ({ theirs: [a, b] }) =>
      () =>
        a.intersection(b),
  },
  {
    kfunc: 'or',
    beside: 'union',
    ours:
      ({ k, ours: [a, b] }) =>
      () =>
        k.bpf_cpumask_or(a, a, b),
    theirs:
      ({ theirs: [a, b] }) =>
      () =>
        a.union(b),
  },
  {
    kfunc: 'xor',
    beside: 'change',
    ours:
      ({ k, ours: [, b, c] }) =>
      () =>
        k.bpf_cpumask_xor(c, c, b),
    theirs:
      ({ theirs: [, b, c] }) =>
      () =>
        c.change(b),
  },
  {
    kfunc: 'equal',
    beside: 'equals',
    ours:
      ({ k, ours: [a, b] }) =>
      () =>
        k.bpf_cpumask_equal(a, b),
    theirs:
      ({ theirs: [a, b] }) =>
      () =>
        a.equals(b),
  },
  {
    kfunc: 'intersects',
    beside: 'intersects',
    ours:
      ({ k, ours: [a, , c] }) =>
      () =>
        k.bpf_cpumask_intersects(a, c),
    theirs:
      ({ theirs: [a, , c] }) =>
      () =>
        a.intersects(c),
  },
  {
    kfunc: 'subset',
    beside: 'difference_size',
    ours:
      ({ k, ours: [a, b] }) =>
      () =>
        k.bpf_cpumask_subset(a, b),
    theirs:
      ({ theirs: [a, b] }) =>
      () =>
        a.difference_size(b) === 0,
  },
  {
    kfunc: 'setall',
    beside: 'addRange',
    ours:
      ({ k, ours: [, , c] }) =>
      () =>
        k.bpf_cpumask_setall(c),
    theirs:
      ({ cpus, theirs: [, , c] }) =>
      () =>
        c.addRange(0, cpus),
  },
  {
    kfunc: 'create+release',
    beside: 'constructor',
    ours:
      ({ k }) =>
      () =>
        k.bpf_cpumask_release(k.bpf_cpumask_create()),
    theirs:
      ({ empty }) =>
      () =>
        empty(),
  },
  {
    kfunc: 'create+copy+release',
    beside: 'clone',
    ours:
      ({ k, ours: [a] }) =>
      () => {
        const mask = k.bpf_cpumask_create();
        k.bpf_cpumask_copy(mask, a);
        k.bpf_cpumask_release(mask);
      },
    theirs:
      ({ theirs: [a] }) =>
      () =>
        a.clone(),
  },
];

function kfuncsOf(cpus: number): Kfuncs {
  return createKfuncs(
    KernelMemory.create({
      cpus,
      nrCpus: 8192,
      cpumaskSize: 1024,
      bpfCpumaskSize: 1032,
      usageOffset: 1024,
      wasm: readAsset('dist/kernel.wasm'),
    }),
  );
}

function sidesFor(cpus: number, k: Kfuncs, BitSets: BitSetClass): Sides {
  // The first CPU that is set lies in the middle, so that searches have something to do.
  const members = Array.from({ length: cpus }, (_, cpu) => cpu).filter((cpu) => cpu >= cpus / 2 && cpu % 3 === 0);
  const others = members.map((cpu) => cpu + 1).filter((cpu) => cpu < cpus);
  const mask = (list: readonly number[]) => {
    const made = k.bpf_cpumask_create();
    k.bpf_cpumask_populate(made, CpuMask.from(list).toBytes(1024));
    return made;
  };
  return {
    cpus,
    k,
    ours: [mask(members), mask(members), mask(others)],
    theirs: [new BitSets(members), new BitSets(members), new BitSets(others)],
    empty: () => new BitSets([]),
  };
}

/** The least disturbed sample: other work on the host can only add time. */
async function nsPer(body: () => unknown): Promise<number> {
  const { min } = await measure(() => do_not_optimize(body()), { min_cpu_time: 40e6 });
  return min;
}

/** Times of one machine size: row -> ns of ours and theirs. */
type Times = readonly (readonly [ours: number, theirs: number])[];

const SIZES = [64, 256, 1024, 8192] as const;

/** In a thread of its own: one machine of `workerData.cpus`, as a program of a user has one. */
export async function benchKfuncsHere(): Promise<void> {
  const { cpus } = workerData as { cpus: number };
  // Not resolved by the type checker: a development dependency that only this file needs.
  const name = 'typedfastbitset';
  const { TypedFastBitSet } = (await import(name)) as { TypedFastBitSet: BitSetClass };
  const k = kfuncsOf(cpus);
  const times: [number, number][] = [];
  for (const row of ROWS) {
    // Masks of their own, because some rows change them.
    const sides = sidesFor(cpus, k, TypedFastBitSet);
    times.push([await nsPer(row.ours(sides)), await nsPer(row.theirs(sides))]);
  }
  parentPort?.postMessage(times);
}

function timesOf(cpus: number): Promise<Times> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { cpus } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** One line a kfunc and machine size; ratios above 1 mean that typedfastbitset took longer. */
export async function benchKfuncs(): Promise<Measured> {
  const times: Times[] = [];
  for (const cpus of SIZES) times.push(await timesOf(cpus));
  const figures: Figure[] = [];
  const lines: string[][] = [['kfunc', 'CPUs', 'ns', 'typedfastbitset', 'ns', 'ratio']];
  for (const [i, row] of ROWS.entries()) {
    for (const [j, cpus] of SIZES.entries()) {
      const [ours, theirs] = times[j]?.[i] ?? [Number.NaN, Number.NaN];
      for (const [engine, ns] of [['api', ours] as const, ['typedfastbitset', theirs] as const]) {
        figures.push({ group: 'kfuncs', name: row.kfunc, engine, cpus, ns, vsKernel: null, vsC: null });
      }
      lines.push([row.kfunc, `${cpus}`, ours.toFixed(1), row.beside, theirs.toFixed(1), (theirs / ours).toFixed(2)]);
    }
  }
  return { figures, table: table(lines) };
}
