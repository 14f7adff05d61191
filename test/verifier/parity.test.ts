import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { initRange } from '../../src/verifier/index.ts';
import { type Coverage, messageCoverage } from './coverage.ts';
import { parityPage } from './parity.ts';

const read = (path: string): Buffer => readFileSync(new URL(path, import.meta.url));
initRange(Uint8Array.from(read('../../dist/verifier.wasm')));

describe('messages of the verifier', () => {
  let coverage: Coverage;
  beforeAll(() => {
    coverage = messageCoverage();
  }, 120_000);

  it('have a case each', () => {
    const without = [...coverage].filter(([, by]) => by.length === 0).map(([name]) => name);
    expect(without).toEqual([]);
  });

  it('are on the parity page as it is committed', () => {
    expect(read('../../docs/parity/verifier.md').toString()).toBe(parityPage(coverage));
  });
});
