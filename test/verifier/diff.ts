/**
 * One case on both verifiers, logs at level 2 side by side: node scripts/run.mjs test/verifier/diff.ts NAME. Prints from the first
 * line that differs.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Btf } from '../../src/btf/btf.ts';
import { LiveObject } from '../../src/engine/live.ts';
import { loadProfile } from '../../src/kernel/profile.ts';
import { initRange, verify } from '../../src/verifier/index.ts';
import { caseProgram } from './case.ts';
import { allCases } from './cases/index.ts';
import { firstDifference } from './compare_logs.ts';

const [part = ''] = process.argv.slice(2);
const btf = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'));
initRange(readFileSync('dist/verifier.wasm'));
let same = 0;
for (const test of allCases) {
  if (!test.name.includes(part) || test.caps) continue;
  const program = caseProgram(test, btf);
  using live = new LiveObject(cpus().length);
  const theirs = live.load(program, 2).verdict.log;
  const ours = verify(program, loadProfile({ release: '6.18', readBtf: () => btf }), { logLevel: 2 }).log;
  const difference = firstDifference(theirs, ours);
  if (difference) console.log(`--- ${test.name}\n${difference}`);
  else same++;
}
console.log(`${same} logs are the same`);
