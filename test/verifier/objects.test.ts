import { describe, expect, it } from 'vitest';
import { readAsset } from '../../src/platform/node/assets.ts';
import { verify } from '../../src/verifier/index.ts';
import { initRange } from '../../src/verifier/range.ts';
import { corpusProfile } from '../verdicts/corpus.ts';
import { answer, expectedOfObjects, objectCases } from './objects.ts';

initRange(readAsset('dist/verifier.wasm'));

describe('what a 6.18 says of compiled programs', () => {
  const profile = corpusProfile();
  const expected = expectedOfObjects();
  const cases = objectCases(profile);

  it('has an answer for every program', () => {
    expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(cases.map((row) => [row.name, row] as const))('%s', (name, { linked }) => {
    const said = linked.program ? verify(linked.program, profile, { cpus: 2 }) : linked.reject;
    expect(answer(said)).toBe(expected[name]);
  });
});
