// node scripts/run.mjs test/verdicts/report.ts [FILTER] [--diff] [--log]: our verdicts beside those of the corpus.
import { readAsset } from '../../src/platform/node/assets.ts';
import { initRange } from '../../src/verifier/index.ts';
import { type Comparison, compareCorpus } from './compare.ts';

initRange(readAsset('dist/verifier.wasm'));
const args = process.argv.slice(2);
const filter = args.find((arg) => !arg.startsWith('--')) ?? '';
const quiet = args.includes('--counts');
const started = performance.now();
const rows: Comparison[] = [...compareCorpus((name) => name.includes(filter), args.includes('--log'))];
const count = (test: (row: Comparison) => boolean) => rows.filter(test).length;
const groups = new Map<string, number>();
for (const row of rows) {
  if (row.ok && row.messageOk) {
    if (!row.insnsOk && args.includes('--insns')) {
      console.log(`${row.name}: insns ${row.have.insns}, kernel ${row.want.insns}`);
    }
    continue;
  }
  const key = row.have.problem || `${row.want.verdict} ${row.want.message}`;
  groups.set(key, (groups.get(key) ?? 0) + 1);
  if (quiet) continue;
  console.log(`${row.ok ? 'message' : 'VERDICT'} ${row.name}`);
  console.log(`   want ${row.want.verdict} ${row.want.errno} ${row.want.message ?? ''}`);
  console.log(`   have ${row.have.verdict} ${row.have.errno} ${row.have.problem || (row.have.message ?? '')}`);
  if (args.includes('--log')) console.log(row.have.log);
}
if (quiet) for (const [key, n] of [...groups].sort((a, b) => b[1] - a[1]).slice(0, 60)) console.log(`${n} ${key}`);
const insns = rows.reduce((sum, row) => sum + (row.have.insns ?? 0), 0);
const ms = rows.reduce((sum, row) => sum + row.have.ms, 0);
console.log(
  `${rows.length} programs: verdict+errno ${count((r) => r.ok)}, message ${count((r) => r.ok && r.messageOk)}, ` +
    `insns ${count((r) => r.insnsOk)}, states ${count((r) => r.statesOk)}, log ${count((r) => r.logOk)}; ` +
    `${insns} insns, ${((ms * 1e6) / Math.max(insns, 1)).toFixed(0)} ns each, ${(performance.now() - started).toFixed(0)} ms in all`,
);
