import { expect, it } from 'vitest';
import { fuzzSoundness } from './sound.ts';

it('random programs that the verifier accepts do not fault', () => {
  const { accepted, runs, failures } = fuzzSoundness(1, 480);
  expect(failures).toEqual([]);
  expect(accepted).toBeGreaterThan(100);
  expect(runs).toBeGreaterThan(250);
});
