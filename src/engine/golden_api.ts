/** Golden vectors through the TypeScript API. */
import { InvariantError } from '../errors.ts';
import { type BpfCpumask, createKfuncs, type Kfuncs } from '../kernel/kfuncs_api.ts';
import { GOLDEN_SLOTS, type GoldenLife, type GoldenOp, type GoldenResult, type VectorEngine } from './golden.ts';
import { goldenMachines } from './golden_machine.ts';
import { type Arg, type GoldenOpRow, goldenOp, lifeOf, operandsOf, resultOf } from './golden_ops.ts';

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
    const refs = this.table.map((mask) => mask?.refs ?? 0);
    return lifeOf(r, refs, offsets);
  }
}

type Value = BpfCpumask | number | Uint8Array;

/** What rows that handle slots do to them. */
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

/** The API's method of a row. It takes memory as an array, which knows its size. */
function call(kfuncs: Kfuncs, { name, args }: GoldenOpRow, values: Readonly<Partial<Record<Arg, Value>>>): number {
  const method: unknown = Reflect.get(kfuncs, `bpf_cpumask_${name}`);
  if (typeof method !== 'function') throw new InvariantError(`the API has no bpf_cpumask_${name}`);
  const passed = args.filter((arg) => arg !== 'size').map((arg) => values[arg]);
  return Number(Reflect.apply(method, kfuncs, passed) ?? 0);
}

function step(slots: Slots, op: GoldenOp): GoldenResult {
  const found = goldenOp(op[0]);
  const operands = operandsOf(found, op);
  const [first = 0, second = 0] = operands.slots;
  const life = LIFE[found.name];
  if (life) return life(slots, first, second);
  const [a, b, c] = operands.slots.map((slot) => slots.get(slot));
  if (!a || b === null || c === null) return null;
  const given = { a, cpu: operands.cpu, src: operands.bytes, ...(b ? { b } : {}), ...(c ? { c } : {}) };
  const value = found.isKfunc ? call(slots.kfuncs, found, given) : 0;
  return resultOf(found, value, () => a.cpus.toWords());
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
