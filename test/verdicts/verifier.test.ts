import { beforeAll, describe, expect, it } from 'vitest';
import { readAsset } from '../../src/platform/node/assets.ts';
import { initRange } from '../../src/verifier/index.ts';
import { type Comparison, compareCorpus, normalize } from './compare.ts';
import { readLogs } from './corpus.ts';

/** What takes seconds: one of them is enough here, report.ts runs all. */
const SLOW = new Set(['loop_complex.branch_explosion', 'more_ptype_net.raw_tp_iter_num']);
/** Spectre barriers of pointer arithmetic are not counted yet. */
const COUNT_DIFFERS = new Set(['caps_loops.table_index']);

describe('the verifier on the corpus', () => {
  const rows: Comparison[] = [];
  beforeAll(() => {
    initRange(readAsset('dist/verifier.wasm'));
    for (const row of compareCorpus((name) => !SLOW.has(name), true)) rows.push(row);
  }, 120_000);

  it('reaches the kernel’s verdict, errno and message on every program', () => {
    expect(rows.length).toBe(444 - SLOW.size);
    const wrong = rows.filter((row) => !row.ok || !row.messageOk);
    expect(wrong.map((row) => [row.name, row.want, row.have.verdict, row.have.message ?? row.have.problem])).toEqual(
      [],
    );
  });

  it('processes as many instructions as the kernel', () => {
    const wrong = rows.filter((row) => !row.insnsOk && !COUNT_DIFFERS.has(row.name));
    expect(wrong.map((row) => [row.name, row.want.insns, row.have.insns])).toEqual([]);
  });

  it('writes the kernel’s log, to the letter', () => {
    const logs = readLogs();
    for (const row of rows) {
      const want = logs.get(row.name) ?? '';
      if (row.row.stage === 'loader' || COUNT_DIFFERS.has(row.name) || want.includes('[... cut ...]')) continue;
      if (!row.logOk) expect(normalize(row.have.log), row.name).toBe(normalize(want));
    }
  });
});
