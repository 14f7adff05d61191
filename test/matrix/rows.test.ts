import { beforeAll, describe, expect, it } from 'vitest';
import { readAsset } from '../../src/platform/node/assets.ts';
import { initRange } from '../../src/verifier/index.ts';
import { matrixProfile, Programs, readWitnesses, ruleRows, without } from './rows.ts';

describe('every rule row', () => {
  beforeAll(() => initRange(readAsset('dist/verifier.wasm')));
  const witnesses = readWitnesses();
  const programs = new Map<string, Programs>();

  it.each(ruleRows().map((row) => [row.name, row] as const))('%s', { timeout: 120_000 }, (name, row) => {
    const witness = witnesses[name];
    if (witness === undefined) throw new Error('no program shows it: see rows_oracle.ts');
    const profile = matrixProfile(row.release);
    const known = programs.get(row.release) ?? new Programs(profile);
    programs.set(row.release, known);
    expect(known.answer(witness, without(profile, row))).not.toBe(known.answer(witness, profile));
  });
});
