/**
 * Random programs on both verifiers: node scripts/run.mjs test/verifier/fuzz.ts [FIRST-SEED] [COUNT] [SECONDS]. Prints the first line of
 * the level 2 log that differs. Needs root and a 6.18 with bpf(2).
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Btf } from '../../src/btf/btf.ts';
import { LiveObject } from '../../src/engine/live.ts';
import { loadProfile } from '../../src/kernel/profile.ts';
import { initRange, verify } from '../../src/verifier/index.ts';
import { caseProgram } from './case.ts';
import { firstDifference } from './compare_logs.ts';
import { randomCase } from './fuzz_program.ts';

const [first = 1, count = 1000, seconds = 60] = process.argv.slice(2).map(Number);
const btf = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'));
const profile = loadProfile({ release: '6.18', readBtf: () => btf });
initRange(readFileSync('dist/verifier.wasm'));
const until = Date.now() + seconds * 1000;
const reasons = new Map<string, number>();
let accepted = 0;
let different = 0;
let done = 0;
using live = new LiveObject(cpus().length);
for (let seed = first; seed < first + count && Date.now() < until; seed++) {
  const test = randomCase(seed);
  const program = caseProgram(test, btf);
  let theirs = '';
  try {
    const { verdict } = live.load(program, 2);
    theirs = verdict.log;
    if (!verdict.errno) accepted++;
  } catch (error) {
    console.log(`seed ${seed}: live ${(error as Error).message}`);
    continue;
  }
  let ours = '';
  try {
    ours = verify(program, profile, { logLevel: 2 }).log;
  } catch (error) {
    ours = `${(error as Error).message}`;
  }
  done++;
  const last = theirs.split('\n').at(-3) ?? '';
  const key = last.replace(/\d+/g, 'N').slice(0, 60);
  reasons.set(key, (reasons.get(key) ?? 0) + 1);
  const difference = firstDifference(theirs, ours);
  if (!difference) continue;
  if (different++ < 12) console.log(`--- seed ${seed} (${program.type})\n${difference}`);
}
console.log(`${done} programs, ${accepted} accepted, ${different} logs differ`);
if (process.env.REASONS)
  for (const [key, n] of [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 30)) console.log(n, key);
