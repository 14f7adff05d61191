/**
 * Writes what the running kernel says of call_matrix.ts and of the objects in test/data/calls:
 * node scripts/run.mjs test/verifier/calls_oracle.ts. Needs root and the 6.18.44 whose BTF is in test/data/btf.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { LiveObject } from '../../src/engine/live.ts';
import { reasonOf } from '../../src/engine/live_log.ts';
import { linkPrograms } from '../../src/kernel/link.ts';
import { loadObject } from '../../src/loader/object.ts';
import { VMLINUX_BTF } from '../../src/platform/node/live_kernel.ts';
import { openProfile } from '../../src/platform/node/profile.ts';
import { callMatrix } from './call_matrix.ts';
import { caseProgram, lastMessage } from './case.ts';

const profile = openProfile('6.18', { btf: VMLINUX_BTF });
const { btf } = profile;
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
for (const name of ['graph', 'misc', 'global', 'more']) {
  const path = `test/data/calls/call_${name}`;
  const object = loadObject(brotliDecompressSync(readFileSync(`${path}.bpf.o.br`)), `call_${name}.bpf.o`);
  const said = linkPrograms(object, profile).flatMap(({ spec, program }) => {
    if (!program) return [];
    using live = new LiveObject(cpus().length);
    const { errno, log } = live.load(program, 4).verdict;
    return [{ program: spec.name, errno, message: errno ? reasonOf(log) : null }];
  });
  writeFileSync(`${path}.json`, `${JSON.stringify(said, null, 1)}\n`);
}
console.log(`${count} calls, ${Object.keys(answers).length} answers`);
