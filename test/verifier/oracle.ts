/**
 * Asks the running kernel about verifier cases: node scripts/run.mjs test/verifier/oracle.ts FILE.cases.ts [NAME-PART]. Prints each
 * case that the kernel answers differently from what is written down. Needs root and a 6.18 with bpf(2).
 */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Btf } from '../../src/btf/btf.ts';
import { LiveObject } from '../../src/engine/live.ts';
import { errno, errnoName } from '../../src/uapi/errno.ts';
import { caseProgram, lastMessage, type VerifierCase } from './case.ts';
import { allCases } from './cases/index.ts';

const part = process.argv[2] ?? '';
const verbose = process.argv.includes('-v');
const kernel = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'));
let different = 0;
let asked = 0;
for (const test of allCases as readonly VerifierCase[]) {
  if (!test.name.includes(part)) continue;
  asked++;
  using live = new LiveObject(cpus().length);
  let verdict: { errno: number; log: string };
  try {
    verdict = live.load(caseProgram(test, kernel), verbose ? 2 : 4).verdict;
  } catch (error) {
    console.log(`${test.name}\n  could not be loaded: ${(error as Error).message}`);
    continue;
  }
  const have = verdict.errno ? `${errnoName(verdict.errno)} ${lastMessage(verdict.log)}` : 'accept';
  const want = test.reject ? `${errnoName(errno[test.reject[0]])} ${test.reject[1]}` : 'accept';
  if (verbose) console.log(verdict.log);
  if (have === want) continue;
  different++;
  console.log(`${test.name}\n  kernel: ${have}\n  case:   ${want}`);
}
console.log(`${asked} cases, ${different} answered differently`);
