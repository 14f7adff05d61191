import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bytesOf, makeCase, type Outcome, runObject } from './case.ts';
import { fuzzWorld } from './world.ts';

const world = fuzzWorld(fileURLToPath(new URL('../..', import.meta.url)));
const SEED = 20260101;
const CASES = 1000;

describe('mutated objects', () => {
  it(`end in an error that says so, or in a run (${CASES} cases, seed ${SEED})`, () => {
    const seen = new Map<Outcome, number>();
    let slowest = 0;
    for (let number = 0; number < CASES; number++) {
      const one = makeCase(world, SEED, number);
      const begin = performance.now();
      let outcome: Outcome;
      try {
        outcome = runObject(world, bytesOf(one), one.seed.name);
        slowest = Math.max(slowest, performance.now() - begin);
      } catch (error) {
        throw new Error(`case ${number} of ${one.seed.name}: ${one.mutations.map((step) => step.name).join('; ')}`, {
          cause: error,
        });
      }
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
    expect(slowest, 'milliseconds').toBeLessThan(5000);
    // A fuzzer that only ever hits the first check tests nothing.
    for (const outcome of ['bad input', 'not supported', 'rejected', 'run'] as const) {
      expect(seen.get(outcome) ?? 0, outcome).toBeGreaterThan(0);
    }
  });

  it('are the same for the same seed', () => {
    const bytes = () => bytesOf(makeCase(world, SEED, 7));
    expect(bytes()).toEqual(bytes());
  });
});
