/** The stress run by itself: that it does what it counts, and that it notices what it looks for. CI runs more of it (.ci/run). */
import { describe, expect, it } from 'vitest';
import { ALLOC_BUFFER } from '../../assembly/layout.ts';
import { ENGINE_NAMES } from '../../src/engine/engines.ts';
import type { Machine } from '../../src/machine/machine.ts';
import type { BpfObject } from '../../src/machine/object.ts';
import { operationsOf, type StressOptions, stress } from './stress.ts';

const SMALL = { workers: 2, rounds: 500, times: 4 } as const;
/** What is still to be done wrong when this many batches are over. */
const DISTURBED = 22;

it.each(ENGINE_NAMES)('two CPUs of the %s claim, exchange and publish; everything comes back', async (engine) => {
  const so = await stress({ ...SMALL, engine, enough: ({ batches }) => batches >= 25 });
  expect(so).toMatchObject({ batches: 25, wrong: null });
  expect(so.warm).toBeGreaterThan(0);
  expect(so.gracePeriods).toBeGreaterThan(10);
  // Each of the five batches came five times; a round is done or refused, and those of own_bit do two operations.
  const rounds = SMALL.workers * SMALL.rounds * SMALL.times * 25;
  expect(operationsOf(so) - so.done.own_bit / 2 + so.missed).toBe(rounds);
  for (const count of Object.values(so.done)) expect(count).toBeGreaterThan(0);
});

describe('the stress notices', () => {
  it.each<[string, RegExp, (machine: Machine, object: BpfObject) => void]>([
    ['a lost reference', /^1 masks are left$/, ({ kfuncs }) => kfuncs.bpf_cpumask_create()],
    ['growth of memory', /^memory grew from \d+ to \d+ bytes$/, ({ memory }) => memory.kmalloc(1 << 20, ALLOC_BUFFER)],
    ['a wrong bit', /^1 wrong bits or masks$/, (_, { globals }) => globals.set('tallies[1].wrong', 1)],
    ['a mask gone', /^the shared mask has no references$/, (_, object) => object.program('tear_down').run()],
    [
      'a bit that is left',
      /^bits 2 of the shared mask are left$/,
      (machine) => {
        for (const { offset } of machine.liveObjects()) machine.memory.u8()[offset] = 4;
      },
    ],
  ])('%s', async (_name, wanted, disturb) => {
    const options: StressOptions = {
      ...{ ...SMALL, engine: 'jit' },
      enough: ({ batches }) => batches >= DISTURBED + 2,
      after: (machine, object, { batches }) => {
        if (batches === DISTURBED - 1) disturb(machine, object);
      },
    };
    expect((await stress(options)).wrong).toMatch(wanted);
  });
});
