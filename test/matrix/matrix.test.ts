import { beforeAll, describe, expect, it } from 'vitest';
import { readAsset } from '../../src/platform/node/assets.ts';
import { initRange } from '../../src/verifier/index.ts';
import { compareKernel, KERNELS, matrixProfile, readMatrix } from './compare.ts';

/** What takes seconds a kernel; report.ts runs all. */
const SLOW = new Set(['loop_complex.branch_explosion', 'more_ptype_net.raw_tp_iter_num', 'caps_loops.bounded_loop']);

/** Where the nearest BTF is not enough for a kernel's very words. */
const WORDS_OF: ReadonlySet<string> = new Set(
  KERNELS.map((kernel) => kernel.name).filter((name) => !/^6\.[58]/.test(name)),
);

describe('the rules of a release, on the corpus', () => {
  const rows = readMatrix();
  beforeAll(() => initRange(readAsset('dist/verifier.wasm')));

  for (const asked of KERNELS) {
    it(`say what ${asked.name} said`, { timeout: 240_000 }, () => {
      const cells = [...compareKernel(asked, matrixProfile(asked.release), (name) => !SLOW.has(name), rows)];
      expect(cells.length).toBeGreaterThan(430);
      const exact = WORDS_OF.has(asked.name);
      const wrong = cells.filter((cell) => !(exact ? cell.errnoOk && cell.messageOk : cell.verdictOk));
      expect(wrong.map(({ name, want, have }) => [name, want.verdict, want.errno, want.message, have])).toEqual([]);
    });
  }
});
