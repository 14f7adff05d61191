import { expect, it } from 'vitest';
import { fuzzInterp } from './interp.ts';

it('random programs end as done or as faults, and harm nothing', () => {
  const { failures, exited, faults } = fuzzInterp(1, 20_000);
  expect(failures).toEqual([]);
  // The programs reach what they are for.
  expect(exited).toBeGreaterThan(1000);
  for (const kind of [
    'out-of-bounds',
    'null-ptr-deref',
    'wild-memory-access',
    'bad-opcode',
    'past-end',
    'budget',
    'call-depth',
  ]) {
    expect([kind, (faults[kind] ?? 0) > 0]).toEqual([kind, true]);
  }
});
