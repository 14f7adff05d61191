/** Prints which programs of the corpus run otherwise than on the kernel: node scripts/run.mjs test/corpus/report.ts interp|jit [NAME] */
import { openProfile } from '../../src/platform/node/profile.ts';
import { differences, runCases } from './corpus.ts';

const [engine, wanted] = [process.argv[2] === 'jit' ? 'jit' : 'interp', process.argv[3]] as const;
const profile = openProfile('6.18', { btf: 'test/data/btf/6.18.44.btf.br' });
const rows = runCases().filter((row) => wanted === undefined || `${row.file}.${row.program}`.includes(wanted));
let same = 0;
for (const row of rows) {
  let found: string[];
  try {
    found = differences(row, profile, engine);
  } catch (error) {
    found = [`BUG ${error instanceof Error ? (wanted ? error.stack : error.message) : String(error)}`];
  }
  if (found.length === 0) same++;
  else console.log(`${row.file}.${row.program}: ${found.join('; ')}`);
}
console.log(`${same} of ${rows.length} the same`);
