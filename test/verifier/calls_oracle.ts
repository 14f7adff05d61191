/**
 * Writes what the running kernel says of call_matrix.ts and of the objects in test/data/calls:
 * node scripts/run.mjs test/verifier/calls_oracle.ts. Needs root and the 6.18.44 whose BTF is in test/data/btf.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { brotliCompressSync } from 'node:zlib';
import { Btf } from '../../src/btf/btf.ts';
import { LiveObject } from '../../src/engine/live.ts';
import { callMatrix } from './call_matrix.ts';
import { caseProgram, lastMessage } from './case.ts';

const btf = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'));
/** Answer -> names: most cases share theirs. */
const answers: Record<string, string[]> = {};
let count = 0;
for (const test of callMatrix(btf)) {
  using live = new LiveObject(cpus().length);
  const { errno, log } = live.load(caseProgram(test, btf), 4).verdict;
  const answer = errno ? `${errno} ${lastMessage(log)}` : 'accept';
  answers[answer] ??= [];
  answers[answer].push(test.name);
  count++;
}
writeFileSync('test/data/calls/matrix.json.br', brotliCompressSync(JSON.stringify(answers)));
console.log(`${count} calls, ${Object.keys(answers).length} answers`);
