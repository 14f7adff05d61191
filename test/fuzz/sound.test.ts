import { expect, it } from 'vitest';
import { seedsOf } from './shard.ts';
import { fuzzSoundness } from './sound.ts';

it('random programs that the verifier accepts do not fault', () => {
  const { accepted, runs, failures } = fuzzSoundness(seedsOf(1, 480, { index: 0, count: 1 }));
  expect(failures).toEqual([]);
  expect(accepted).toBeGreaterThan(100);
  expect(runs).toBeGreaterThan(250);
});
