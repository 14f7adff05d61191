import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/engine/engines.ts';
import { openProfile } from '../../src/platform/node/profile.ts';
import { differences, runCases } from './corpus.ts';

const btf = fileURLToPath(new URL('../data/btf/6.18.44.btf.br', import.meta.url));
const profile = openProfile('6.18', { btf });
const rows = runCases();

describe.each(ENGINE_NAMES)('programs of the corpus compute what the kernel computed: %s', (engine) => {
  it('has them', () => {
    expect(rows.length).toBeGreaterThan(130);
  });
  it.each(rows.map((row) => [`${row.file}.${row.program}`, row] as const))('%s', (_name, row) => {
    expect(differences(row, profile, engine)).toEqual([]);
  });
});
