// Map values that own lists, trees, objects and masks (test/objects/owners.bpf.c), against a simple model: what operations answer,
// and which objects are alive after each, by deletes, overwrites, updates under the lock and freed maps.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../src/platform/create_machine.ts';
import { errno } from '../src/uapi/errno.ts';
import { root } from './root.ts';

const bytes = new Uint8Array(readFileSync(new URL('test/objects/owners.bpf.o', root)));
const { E2BIG, EEXIST, EINVAL, ENOENT } = errno;
const MAX = 3;
const [ANY, NOEXIST, EXIST, LOCK] = [0, 1, 2, 4];

/** What one map value owns. */
class Owner {
  list: number[] = [];
  tree: number[] = [];
  masks = new Set<number>();
  box = false;

  constructor(public number: number) {}

  /** Objects alive because of it: an item and a box have a mask each. */
  get objects(): number {
    return 2 * (this.list.length + this.tree.length) + this.masks.size + (this.box ? 2 : 0);
  }
}

type Step = { readonly op: Op; readonly key: number; readonly arg: number; readonly how: number };

const of = (owner: Owner | undefined, body: (owner: Owner) => number): number => (owner ? body(owner) : -EINVAL);

/** One row an operation: what it answers, and what becomes of the model. */
const MODEL = {
  read: (map, { key }) => of(map.get(key), ({ number }) => number),
  push: (map, { key, arg, how }) => of(map.get(key), ({ list }) => (how ? list.unshift(arg) : list.push(arg)) && 0),
  pop: (map, { key, how }) => of(map.get(key), ({ list }) => (how ? list.shift() : list.pop()) ?? -ENOENT),
  add: (map, { key, arg }) =>
    of(map.get(key), (owner) => {
      owner.tree = [...owner.tree, arg].sort((a, b) => a - b);
      return 0;
    }),
  take: (map, { key }) => of(map.get(key), ({ tree }) => tree.shift() ?? -ENOENT),
  find: (map, { key, arg }) =>
    of(map.get(key), ({ tree }) => (tree.includes(arg) ? (tree.splice(tree.indexOf(arg), 1)[0] ?? 0) : -ENOENT)),
  mask: (map, { key, arg }) =>
    of(map.get(key), ({ masks }) => {
      const had = masks.has(arg & 1);
      masks.add(arg & 1);
      return had ? 1 : 0;
    }),
  box: (map, { key }) =>
    of(map.get(key), (owner) => {
      const had = owner.box;
      owner.box = true;
      return had ? 1 : 0;
    }),
} satisfies Record<string, (map: Map<number, Owner>, step: Step) => number>;

function putHash(map: Map<number, Owner>, { key, arg, how }: Step): number {
  const old = map.get(key);
  const want = how & ~LOCK;
  if (want > EXIST) return -EINVAL;
  if (want === NOEXIST && old) return -EEXIST;
  if (want === EXIST && !old) return -ENOENT;
  if (!old && map.size === MAX) return -E2BIG;
  // Measured on 6.18.44: under the lock the value is copied in place, and what it owns stays.
  if (old && how & LOCK) old.number = arg;
  else map.set(key, new Owner(arg));
  return 0;
}

function putArray(map: Map<number, Owner>, { key, arg, how }: Step): number {
  const want = how & ~LOCK;
  if (want > EXIST) return -EINVAL;
  if (key >= MAX) return -E2BIG;
  if (want === NOEXIST) return -EEXIST;
  // Measured on 6.18.44: arrays give back what was there, under the lock as well.
  map.set(key, new Owner(arg));
  return 0;
}

const OPS = ['put', 'del', ...(Object.keys(MODEL) as (keyof typeof MODEL)[])] as const;
type Op = (typeof OPS)[number];

function expected(map: Map<number, Owner>, kind: string, step: Step): number {
  if (step.op === 'put') return kind === 'array' ? putArray(map, step) : putHash(map, step);
  if (step.op !== 'del') return MODEL[step.op](map, step);
  if (kind === 'array') return -EINVAL;
  return map.delete(step.key) ? 0 : -ENOENT;
}

const steps = fc.array(
  fc.record({
    // One key mostly, filled more than emptied and seldom replaced, so that lists and trees grow.
    op: fc.constantFrom<Op>(...OPS, ...OPS, 'push', 'push', 'push', 'add', 'add', 'add', 'add', 'pop', 'find'),
    key: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 3),
    arg: fc.nat(12),
    how: fc.constantFrom(ANY, ANY, NOEXIST, EXIST, LOCK, LOCK | NOEXIST, LOCK | EXIST, 3),
  }),
  { minLength: 1, maxLength: 80, size: 'max' },
);

describe.each(['array', 'hash', 'lazy'])('a %s of owners', (kind) => {
  it.each(['interp', 'jit'] as const)('answers and frees as its model does, %s', (engine) => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const machine = createMachine({ cpus: 2, engine, memoryLimit: 32 << 20 });
        const programs = OPS.map((op) => `${op}_${kind}`);
        const object = machine.load(bytes, { programs });
        const map = new Map<number, Owner>();
        if (kind === 'array') for (let key = 0; key < MAX; key++) map.set(key, new Owner(0));
        for (const step of sequence) {
          const ctx = new Uint8Array(Uint32Array.of(step.key, step.arg, step.how).buffer);
          const { retval, fault } = object.program(`${step.op}_${kind}`).run({ ctx });
          expect({ step, answer: retval | 0, fault }).toEqual({ step, answer: expected(map, kind, step), fault: null });
          machine.rcu.synchronize();
          const objects = [...map.values()].reduce((sum, owner) => sum + owner.objects, 0);
          expect({ step, alive: machine.liveObjects().length }).toEqual({ step, alive: objects });
          expect({ step, leaks: machine.leaks() }).toEqual({ step, leaks: [] });
        }
        expect(machine.warnings()).toEqual([]);
        object.dispose();
        machine.rcu.synchronize();
        expect(machine.liveObjects()).toEqual([]);
      }),
      { numRuns: 15, seed: 20261124 },
    );
  });
});
