/** The reduced search comes to the same ends as every order does, for programs that nobody thought of. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Random } from '../../src/random.ts';
import { type EndsOptions, endsOf, sourcesOf } from './random_programs.ts';

const template = readFileSync(new URL('random.bpf.o', import.meta.url));
const withCallbacks = readFileSync(new URL('random_callbacks.bpf.o', import.meta.url));
const LIMIT = 5000;

type Options = Omit<EndsOptions, 'reduce' | 'limit'>;

/** False when there are too many orders to try them all. */
function compare(object: Uint8Array, sources: readonly string[], options: Options): boolean {
  const every = endsOf(object, sources, { ...options, reduce: false, limit: LIMIT });
  if (!every.exhausted) return false;
  const some = endsOf(object, sources, { ...options, reduce: true, limit: LIMIT });
  const shown = sources.join('\n----\n');
  expect([...some.seen].sort(), shown).toEqual([...every.seen].sort());
  expect([...some.faults].sort(), shown).toEqual([...every.faults].sort());
  expect(some.exhausted).toBe(true);
  return true;
}

it.each([
  { threads: 2, statements: 4, failures: 1, seeds: 12 },
  { threads: 3, statements: 2, failures: 0, seeds: 8 },
  { threads: 2, statements: 2, wide: true, cpus: 130, failures: 0, seeds: 30 },
])('$threads programs of up to $statements statements, whole masks: $wide', ({ failures, cpus, seeds, ...shape }) => {
  let compared = 0;
  for (let seed = 0; seed < seeds; seed++) {
    if (compare(template, sourcesOf(new Random(seed), shape), { failures, cpus })) compared++;
  }
  expect(compared).toBeGreaterThan(seeds / 4);
});

const apart = (cpu: number) => ({ cpu });

it.each([
  { where: 'on CPUs of their own', threads: 2, statements: 3, place: apart, seeds: 16 },
  { where: 'on two CPUs', threads: 3, statements: 2, place: (i: number) => ({ cpu: i % 2 }), seeds: 12 },
  { where: 'as an interrupt', threads: 2, statements: 2, place: (i: number) => ({ cpu: 0, irq: i === 1 }), seeds: 16 },
])('$threads programs with timers and work items, $where', ({ place, seeds, ...shape }) => {
  let compared = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const sources = sourcesOf(new Random(seed), { ...shape, deferred: true });
    if (compare(withCallbacks, sources, { failures: 0, cpus: 8, place })) compared++;
  }
  expect(compared).toBeGreaterThan(seeds / 4);
});

it.each([
  { object: template, deferred: false, threads: 3, statements: 3, seeds: 5 },
  { object: withCallbacks, deferred: true, threads: 2, statements: 2, seeds: 6 },
])('comes to the same ends in shards, which do no schedule twice, timers: $deferred', ({ object, seeds, ...shape }) => {
  let schedules = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const sources = sourcesOf(new Random(seed), shape);
    const options = { reduce: true, limit: LIMIT, failures: 0, cpus: 8 };
    const whole = endsOf(object, sources, options);
    const shard = (index: number, count: number) => endsOf(object, sources, { ...options, shard: { index, count } });
    const parts = [0, 1, 2].map((index) => shard(index, 3));
    const shown = sources.join('\n----\n');
    expect(new Set(parts.flatMap(({ seen }) => [...seen])), shown).toEqual(whole.seen);
    expect(new Set(parts.flatMap(({ faults }) => [...faults])), shown).toEqual(whole.faults);
    expect(
      parts.reduce((sum, part) => sum + part.schedules, 0),
      shown,
    ).toBe(shard(0, 1).schedules);
    schedules += whole.schedules;
  }
  expect(schedules).toBeGreaterThan(20);
});

const begin = 'r6 = 0; r7 = 0; r8 = map(words)';
const find = 'r1 = map(shared); r7 = *(u64 *)(r1 +0)';
const drop =
  'r1 = map(shared); r2 = 0; call bpf_kptr_xchg; if r0 == 0 goto none; r1 = r0; call bpf_cpumask_release; none: r0 = 0';
const use = 'if r7 == 0 goto out; r1 = 1; r2 = r7; call bpf_cpumask_set_cpu; out: r0 = 0';
const [lock, unlock] = ['call bpf_rcu_read_lock', 'call bpf_rcu_read_unlock'];
const look = 'r0 = *(u64 *)(r8 +0)';
const change = 'r0 = 1; *(u64 *)(r8 +0) = r0';
const program = (...lines: readonly string[]) => [begin, ...lines].join('\n');

it.each([
  ['by one who dropped it itself', [program(find, drop, use, 'exit'), program(look, 'r0 = 0; exit')]],
  [
    'in a section that began only after it was dropped',
    [program(change, drop, 'exit'), program(lock, find, unlock, lock, look, use, unlock, 'r0 = 0; exit')],
  ],
])('finds that a mask is used behind its grace period, %s', (_, sources) => {
  const { faults } = endsOf(template, sources, { reduce: true, limit: LIMIT, failures: 0 });
  expect(faults.size).toBe(1);
  expect(compare(template, sources, { failures: 0 })).toBe(true);
});
