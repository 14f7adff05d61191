// node scripts/run.mjs test/matrix/rows_oracle.ts [--write]: looks for a program that shows each rule row.
import { writeFileSync } from 'node:fs';
import { readAsset } from '../../src/platform/node/assets.ts';
import { initRange } from '../../src/verifier/index.ts';
import { matrixProfile, Programs, type Row, ruleRows, WITNESSES_FILE, without } from './rows.ts';

/** Seconds each. */
const SLOW = new Set(['corpus loop_complex.branch_explosion', 'corpus more_ptype_net.raw_tp_iter_num']);

initRange(readAsset('dist/verifier.wasm'));
const rows = ruleRows();
const found: Record<string, string> = {};
for (const release of new Set(rows.map((row) => row.release))) {
  const profile = matrixProfile(release);
  const programs = new Programs(profile);
  const open = new Set<Row>(rows.filter((row) => row.release === release));
  const used = new Set<string>();
  const spy = Object.create(profile) as typeof profile;
  Object.defineProperty(spy, 'has', {
    value: (name: never) => {
      used.add(name);
      return profile.has(name);
    },
  });
  const words = Object.entries(profile.words).map(([id, say]) => [
    id,
    (...args: never[]) => {
      used.add(id);
      return (say as (...all: never[]) => string)(...args);
    },
  ]);
  Object.defineProperty(spy, 'words', { value: Object.fromEntries(words) });
  for (const name of programs.names()) {
    if (open.size === 0) break;
    if (SLOW.has(name)) continue;
    used.clear();
    try {
      const have = programs.answer(name, spy);
      for (const row of [...open].filter((one) => used.has(one.rule))) {
        if (programs.answer(name, without(profile, row)) === have) continue;
        found[row.name] = name;
        open.delete(row);
      }
    } catch (error) {
      console.log(`${release} ${name}: ${(error as Error).message.slice(0, 200)}`);
    }
  }
  for (const row of open) console.log(`nothing shows ${row.name}`);
}
console.log(`${Object.keys(found).length} of ${rows.length} rows are shown`);
if (process.argv.includes('--write')) writeFileSync(WITNESSES_FILE, `${JSON.stringify(found, null, 2)}\n`);
