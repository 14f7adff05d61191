/**
 * Asks the running kernel about the verifier cases: node scripts/run.mjs test/verifier/oracle.ts [NAME-PART] [-v] [--write]. Prints
 * what it answers differently from expected.json, or writes that. Needs root and a 6.18 with bpf(2).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Btf } from '../../src/btf/btf.ts';
import { LiveObject } from '../../src/engine/live.ts';
import { withCapBpfAlone } from '../../src/platform/node/live_kernel.ts';
import { errnoName } from '../../src/uapi/errno.ts';
import { caseProgram, lastMessage } from './case.ts';
import { allCases } from './cases/index.ts';

const FILE = 'test/verifier/expected.json';
const args = process.argv.slice(2);
const verbose = args.includes('-v');
const part = args.find((arg) => !arg.startsWith('-')) ?? '';
const kernel = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'));
const expected = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>;
const said: Record<string, string> = {};
for (const test of allCases) {
  if (!test.name.includes(part)) continue;
  using live = new LiveObject(cpus().length);
  let verdict: { errno: number; log: string };
  try {
    const load = () => live.load(caseProgram(test, kernel), verbose || test.logs ? 2 : 4).verdict;
    verdict = test.caps ? withCapBpfAlone(load) : load();
  } catch (error) {
    console.log(`${test.name}\n  could not be loaded: ${(error as Error).message}`);
    continue;
  }
  const have = verdict.errno ? `${errnoName(verdict.errno)} ${lastMessage(verdict.log)}`.trim() : 'accept';
  if (verbose) console.log(verdict.log);
  if (test.logs && !verdict.log.split('\n').includes(test.logs))
    console.log(`${test.name}: the log has no line '${test.logs}'`);
  if (said[test.name] !== undefined) console.log(`${test.name}: two cases of that name`);
  said[test.name] = have;
  if (have !== expected[test.name]) console.log(`${test.name}\n  kernel:  ${have}\n  written: ${expected[test.name]}`);
}
console.log(`${Object.keys(said).length} cases`);
if (args.includes('--write')) {
  const all = { ...expected, ...said };
  const kept = Object.fromEntries(allCases.map(({ name }) => [name, all[name] ?? '']));
  writeFileSync(FILE, `${JSON.stringify(kept, null, 1)}\n`);
}
