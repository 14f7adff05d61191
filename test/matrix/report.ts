// node scripts/run.mjs test/matrix/report.ts [--kernel NAME] [FILTER] [--counts]: our verdicts beside those of the kernels asked.
import { readAsset } from '../../src/platform/node/assets.ts';
import { initRange } from '../../src/verifier/index.ts';
import { compareKernel, KERNELS, matrixProfile } from './compare.ts';

initRange(readAsset('dist/verifier.wasm'));
const args = process.argv.slice(2);
const kernel = args.includes('--kernel') ? args[args.indexOf('--kernel') + 1] : undefined;
const filter = args.find((arg) => !arg.startsWith('--') && arg !== kernel) ?? '';
const quiet = args.includes('--counts');
for (const asked of KERNELS) {
  if (kernel !== undefined && !asked.name.startsWith(kernel)) continue;
  const cells = [...compareKernel(asked, matrixProfile(asked.release), (name) => name.includes(filter))];
  for (const { name, want, have, errnoOk, messageOk, verdictOk } of cells) {
    if (quiet || (errnoOk && messageOk)) continue;
    console.log(`${verdictOk ? (errnoOk ? 'message' : 'ERRNO') : 'VERDICT'} ${name}`);
    console.log(`   want ${want.verdict} ${want.errno} ${want.message ?? ''}`);
    console.log(`   have ${have.verdict} ${have.errno} ${have.message}`);
  }
  const count = (test: (cell: (typeof cells)[number]) => boolean): string => {
    const n = cells.filter(test).length;
    return `${n} (${((100 * n) / Math.max(cells.length, 1)).toFixed(1)} %)`;
  };
  const insns = count((c) => c.want.insns_processed === undefined || c.insns === c.want.insns_processed);
  console.log(
    `${asked.name}: ${cells.length} programs, verdict ${count((c) => c.verdictOk)}, errno ${count((c) => c.errnoOk)}, ` +
      `message ${count((c) => c.errnoOk && c.messageOk)}, insns ${insns}, ${cells.reduce((ms, c) => ms + c.ms, 0).toFixed(0)} ms`,
  );
}
