/** Golden vectors through the TypeScript API. */
import { InputError } from '../errors.ts';
import type { CpuMask } from '../kernel/cpu_mask.ts';
import { type BpfCpumask, createKfuncs, type Kfuncs } from '../kernel/kfuncs_api.ts';
import { GOLDEN_SLOTS, type GoldenLife, type GoldenOp, type GoldenResult, type VectorEngine } from './golden.ts';
import { goldenMachines } from './golden_machine.ts';

/** Words in hex without leading zeros, lowest first. */
const wordsOf = (mask: CpuMask) =>
  mask
    .toWords()
    .map((word) => word.toString(16))
    .join(',');

const bytesOf = (hex: string) =>
  Uint8Array.from(hex === '-' ? [] : (hex.match(/../g) ?? []), (byte) => Number.parseInt(byte, 16));

/** The slot table and what operations do to it. */
class Slots {
  readonly table: (BpfCpumask | null)[] = new Array<BpfCpumask | null>(GOLDEN_SLOTS).fill(null);
  readonly kfuncs: Kfuncs;

  constructor(kfuncs: Kfuncs) {
    this.kfuncs = kfuncs;
  }

  /** The mask in a slot, whose reference stays there. */
  get(slot: number): BpfCpumask | null {
    return this.table[slot] ?? null;
  }

  /** Puts a reference into a slot and releases what was there. */
  put(slot: number, mask: BpfCpumask | null): void {
    const old = this.get(slot);
    this.table[slot] = mask;
    if (old) this.kfuncs.bpf_cpumask_release(old);
  }

  life(r: number): GoldenLife {
    const offsets = this.table.map((mask) => mask?.offset ?? 0);
    return {
      r,
      refs: this.table.map((mask) => mask?.refs ?? 0),
      alias: offsets.map((offset) => (offset === 0 ? -1 : offsets.indexOf(offset))),
    };
  }
}

type Args = readonly (number | string)[];
type Num = (i: number) => number;

/** What a row gets: the kfuncs, the masks of its slots, and the rest of the arguments as numbers. */
type Action = (k: Kfuncs, masks: readonly BpfCpumask[], num: Num, args: Args) => unknown;

interface OpRow {
  /** Leading arguments that are slots, all of which must hold a mask. */
  readonly slots: number;
  /** What the result shows: the number, the words of the first slot, or both. */
  readonly shows: 'number' | 'words' | 'both';
  readonly run: Action;
}

const row = (slots: number, shows: OpRow['shows'], run: Action): OpRow => ({ slots, shows, run });
type M = BpfCpumask;
const one = (shows: OpRow['shows'], run: (k: Kfuncs, a: M) => unknown): OpRow =>
  row(1, shows, (k, [a]) => run(k, a as M));
const two = (shows: OpRow['shows'], run: (k: Kfuncs, a: M, b: M) => unknown): OpRow =>
  row(2, shows, (k, [a, b]) => run(k, a as M, b as M));
const three = (shows: OpRow['shows'], run: (k: Kfuncs, a: M, b: M, c: M) => unknown): OpRow =>
  row(3, shows, (k, [a, b, c]) => run(k, a as M, b as M, c as M));
const bit = (shows: OpRow['shows'], run: (k: Kfuncs, cpu: number, a: M) => unknown): OpRow =>
  row(1, shows, (k, [a], num) => run(k, num(1), a as M));

/** Operations on masks; those on references are in LIFE. */
const OPS: Readonly<Record<string, OpRow>> = {
  dump: one('words', () => undefined),
  first: one('number', (k, a) => k.bpf_cpumask_first(a)),
  first_zero: one('number', (k, a) => k.bpf_cpumask_first_zero(a)),
  weight: one('number', (k, a) => k.bpf_cpumask_weight(a)),
  empty: one('number', (k, a) => k.bpf_cpumask_empty(a)),
  full: one('number', (k, a) => k.bpf_cpumask_full(a)),
  any_distribute: one('number', (k, a) => k.bpf_cpumask_any_distribute(a)),
  setall: one('words', (k, a) => k.bpf_cpumask_setall(a)),
  clear: one('words', (k, a) => k.bpf_cpumask_clear(a)),
  first_and: two('number', (k, a, b) => k.bpf_cpumask_first_and(a, b)),
  equal: two('number', (k, a, b) => k.bpf_cpumask_equal(a, b)),
  intersects: two('number', (k, a, b) => k.bpf_cpumask_intersects(a, b)),
  subset: two('number', (k, a, b) => k.bpf_cpumask_subset(a, b)),
  any_and_distribute: two('number', (k, a, b) => k.bpf_cpumask_any_and_distribute(a, b)),
  copy: two('words', (k, a, b) => k.bpf_cpumask_copy(a, b)),
  and: three('both', (k, a, b, c) => k.bpf_cpumask_and(a, b, c)),
  or: three('words', (k, a, b, c) => k.bpf_cpumask_or(a, b, c)),
  xor: three('words', (k, a, b, c) => k.bpf_cpumask_xor(a, b, c)),
  test_cpu: bit('number', (k, cpu, a) => k.bpf_cpumask_test_cpu(cpu, a)),
  set_cpu: bit('words', (k, cpu, a) => k.bpf_cpumask_set_cpu(cpu, a)),
  clear_cpu: bit('words', (k, cpu, a) => k.bpf_cpumask_clear_cpu(cpu, a)),
  test_and_set_cpu: bit('both', (k, cpu, a) => k.bpf_cpumask_test_and_set_cpu(cpu, a)),
  test_and_clear_cpu: bit('both', (k, cpu, a) => k.bpf_cpumask_test_and_clear_cpu(cpu, a)),
  populate: row(1, 'both', (k, [a], _num, args) => k.bpf_cpumask_populate(a as M, bytesOf(`${args[3]}`))),
};

const LIFE: Readonly<Record<string, (slots: Slots, a: number, b: number) => GoldenLife | null>> = {
  create(slots, a) {
    const mask = slots.kfuncs.bpf_cpumask_create();
    const { refs } = mask;
    slots.put(a, mask);
    return slots.life(refs);
  },
  acquire(slots, a, b) {
    const mask = slots.get(a);
    if (!mask) return null;
    const second = slots.kfuncs.bpf_cpumask_acquire(mask);
    const { refs } = second;
    slots.put(b, second);
    return slots.life(refs);
  },
  release(slots, a) {
    const mask = slots.get(a);
    if (!mask) return null;
    const { refs } = mask;
    slots.put(a, null);
    return slots.life(refs);
  },
  xchg(slots, a, b) {
    [slots.table[a], slots.table[b]] = [slots.get(b), slots.get(a)];
    return slots.life(0);
  },
};

function step(slots: Slots, op: GoldenOp): GoldenResult {
  const [name, ...args] = op;
  const num: Num = (i) => Number(args[i]);
  const life = LIFE[name];
  if (life) return life(slots, num(0), num(1));
  const found = OPS[name];
  if (!found) throw new InputError(`"${name}"`, 'operation', 'is not one of the golden vectors');
  const masks: BpfCpumask[] = [];
  for (let i = 0; i < found.slots; i++) {
    const mask = slots.get(num(i));
    if (!mask) return null;
    masks.push(mask);
  }
  const value = Number(found.run(slots.kfuncs, masks, num, args) ?? 0);
  if (found.shows === 'number') return value;
  const words = wordsOf((masks[0] as BpfCpumask).cpus);
  return found.shows === 'words' ? words : [value, words];
}

/** Runs streams on machines of the size that each asks for. `wasm`: dist/kernel.wasm. */
export function createApiVectorEngine(wasm: Uint8Array<ArrayBuffer>): VectorEngine {
  const machineFor = goldenMachines(wasm);
  return {
    execute(stream) {
      const slots = new Slots(createKfuncs(machineFor(stream)));
      const results = stream.ops.map((op) => step(slots, op));
      for (let slot = 0; slot < GOLDEN_SLOTS; slot++) slots.put(slot, null);
      return results;
    },
  };
}
