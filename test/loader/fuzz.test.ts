/** A slice of the loader's fuzzing, the same in every run; `npm run fuzz` goes on from there. */
import { expect, it } from 'vitest';
import { fuzzLoader, mutate, seedObjects } from '../fuzz/loader.ts';
import { corpusProfile } from '../verdicts/corpus.ts';

it('answers whatever bytes it is given, and soon', () => {
  const profile = corpusProfile();
  expect(profile.btf.nrTypes).toBeGreaterThan(1000);
  const stats = fuzzLoader(1, 4000, profile);
  expect(stats.failures).toEqual([]);
  expect(stats.slowestMs).toBeLessThan(1000);
  expect(stats.tried).toBe(4000);
  // The mutants reach every stage: else this would hold nothing.
  expect(Math.min(stats.loaded, stats.inputErrors, stats.linked, stats.rejected)).toBeGreaterThan(20);
});

it('makes the same mutant of the same seed', () => {
  const objects = seedObjects();
  expect(mutate(objects, 7)).toEqual(mutate(objects, 7));
  expect(mutate(objects, 7)).not.toEqual(mutate(objects, 8));
});
