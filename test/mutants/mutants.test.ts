import { expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { mutate, sourceOf } from './mutate.ts';

it('every mutant breaks something that stands in the sources, once', () => {
  const stale = MUTANTS.flatMap((mutant) => {
    try {
      return mutate(mutant) === sourceOf(mutant.file) ? [`${mutant.file}: changes nothing: ${mutant.find}`] : [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
  expect(stale).toEqual([]);
});
