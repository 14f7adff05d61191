/** The search itself: that it leaves out only orders that come to the same, and that it leaves no trace. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as x from '../../assembly/kernel/explore_layout.ts';
import * as layout from '../../assembly/layout.ts';
import type { Problem } from '../../src/explore/search.ts';
import { Search } from '../../src/explore/search.ts';
import { Space } from '../../src/explore/space.ts';
import { createMachine } from '../../src/index.ts';

const folder = new URL('races/', import.meta.url);
/** Pairs that start the same timers have tens of thousands of orders: callbacks.test.ts and random.test.ts have smaller ones. */
const objects = readdirSync(folder).filter((file) => /^(?!lock_order|timer_).*\.bpf\.o$/.test(file));

function load(file: string) {
  const machine = createMachine({ cpus: 8, nrCpus: 64, memoryLimit: 16 << 20, explorable: true });
  const object = machine.load(readFileSync(new URL(file, folder)), { unverified: true });
  object.programs.find(({ name }) => name === 'set_up')?.run();
  return { machine, object };
}

/** Pairs of programs worth running together: those that are not for the beginning or the end. */
function pairs(file: string): string[][] {
  const { object } = load(file);
  const names = object.programs.map(({ name }) => name).filter((name) => name !== 'set_up' && name !== 'check');
  return names.flatMap((a, i) => names.slice(i).map((b) => [a, b]));
}

/** Every end that a search comes to: what maps and masks hold, what programs returned, faults. */
function ends(file: string, programs: readonly string[], reduce: boolean) {
  const { machine, object } = load(file);
  const space = new Space(
    machine,
    programs.map((name, cpu) => {
      const irq = name.startsWith('@');
      return { cpu: irq ? 0 : cpu, irq, program: object.program(irq ? name.slice(1) : name) };
    }),
  );
  const seen = new Set<string>();
  const state = () =>
    JSON.stringify(
      [
        object.globals.all(),
        object.maps
          .filter(({ spec }) => !spec.section)
          .map((map) => [...map.entries()].map(({ key }) => [[...key], map.get(key)])),
        programs.map((_, thread) => space.retval(thread)),
      ],
      (_, value) => (typeof value === 'bigint' ? `${value}` : value),
    );
  const judge = {
    afterStep: (thread: number) => {
      const faulted = thread !== space.rcu && space.state(thread) === x.XT_FAULT;
      if (faulted) seen.add(`fault of ${thread} at ${space.insn(thread)}`);
      return faulted ? { key: `${seen.size}`, text: 'fault' } : null;
    },
    atEnd: (): Problem | null => {
      seen.add(state());
      return null;
    },
    stuck: () => ({ key: 'stuck', text: 'stuck' }),
  };
  for (;;) {
    const limit = 3000;
    const result = new Search(space, judge, { failures: 1, preemptions: null, reduce, limit }).run();
    if (!result.again) return { seen, result };
    seen.clear();
  }
}

describe.each(objects)('%s', (file) => {
  it.each(pairs(file))('comes to the same ends as every order does: %s, %s', (a, b) => {
    const all = ends(file, [a, b], false);
    const some = ends(file, [a, b], true);
    expect(some.result.exhausted).toBe(true);
    // What was not tried whole can only have fewer ends.
    if (all.result.exhausted) expect([...some.seen].sort()).toEqual([...all.seen].sort());
    else for (const end of all.seen) expect(some.seen).toContain(end);
    expect(some.result.schedules).toBeLessThanOrEqual(all.result.schedules);
  });
});

it.each([
  ['locked_a', 'locked_b'],
  ['quiet_a', '@locked_b'],
  ['locked_a', '@locked_b'],
  ['quiet_a', '@locked_b', 'locked_b'],
])('tries every order of locks and interrupts: %s, %s', (...programs) => {
  const all = ends('lock_order.bpf.o', programs, false);
  const some = ends('lock_order.bpf.o', programs, true);
  expect(all.result.exhausted && some.result.exhausted).toBe(true);
  expect([...some.seen].sort()).toEqual([...all.seen].sort());
  expect(some.seen.size).toBeGreaterThan(1);
});

it('leaves memory as it was', () => {
  const { machine, object } = load('over_limit.bpf.o');
  const space = new Space(
    machine,
    ['take_wrong', 'take_right'].map((name, cpu) => ({ cpu, program: object.program(name) })),
  );
  const judge = { afterStep: () => null, atEnd: () => null, stuck: () => ({ key: '', text: '' }) };
  const run = () => new Search(space, judge, { failures: 1, preemptions: null, reduce: true, limit: 1000 }).run();
  while (run().again);
  const { memory } = machine;
  const heap = memory.u32At(layout.M_HEAP);
  // Objects, their headers and their shadow; the notes themselves lie in buffers.
  const picture = () =>
    [...memory.objects()]
      .filter(({ tag }) => tag !== layout.ALLOC_BUFFER)
      .map(({ offset, size }) => [offset, ...memory.read(offset - layout.OBJ_HEADER, size + layout.OBJ_HEADER)]);
  const shadow = () => memory.read(layout.SHADOW + (heap >> 3), (memory.u32At(layout.MM_BRK) - heap) >> 3);
  const before = [picture(), shadow()];
  run();
  expect([picture(), shadow()]).toEqual(before);
});

it('splits the space into parts that add up', () => {
  const schedules = (shard?: { index: number; count: number }) => {
    const { machine, object } = load('over_limit.bpf.o');
    const space = new Space(
      machine,
      [0, 1, 2].map((cpu) => ({ cpu, program: object.program('take_right') })),
    );
    const seen = new Set<string>();
    const judge = {
      afterStep: () => null,
      atEnd: () => {
        seen.add(JSON.stringify(object.globals.all()));
        return null;
      },
      stuck: () => ({ key: '', text: '' }),
    };
    for (;;) {
      seen.clear();
      const options = { failures: 0, preemptions: null, reduce: true, limit: 1e6 };
      const result = new Search(space, judge, shard ? { ...options, shard } : options).run();
      if (!result.again) return { seen, result };
    }
  };
  const whole = schedules();
  const parts = [0, 1, 2].map((index) => schedules({ index, count: 3 }));
  expect(new Set(parts.flatMap(({ seen }) => [...seen]))).toEqual(whole.seen);
  expect(parts.reduce((sum, { result }) => sum + result.schedules, 0)).toBe(whole.result.schedules);
  for (const { result } of parts) {
    expect(result.schedules).toBeGreaterThan(0);
    expect(result.exhausted).toBe(true);
  }
});
