/**
 * Random programs before the live kernel's verifier and ours: verdict, errno, message, instruction count and log have to be
 * equal. node scripts/run.mjs test/fuzz/live/verdicts.ts [COUNT] [SEED] [scalar|loop|kfunc] [-v]. Needs root and a 6.18.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Btf } from '../../../src/btf/btf.ts';
import { LiveObject } from '../../../src/engine/live.ts';
import { NotSupported } from '../../../src/errors.ts';
import { loadProfile } from '../../../src/kernel/profile.ts';
import { readAsset } from '../../../src/platform/node/assets.ts';
import { initRange, verify } from '../../../src/verifier/index.ts';
import { normalize } from '../../verdicts/compare.ts';
import { caseProgram, type VerifierCase } from '../../verifier/case.ts';
import { generator, kfuncProgram, loopProgram, scalarProgram } from './verdict_programs.ts';

const [count = 1000, first = 1] = process.argv.slice(2, 4).map(Number);
const kind = process.argv[4] ?? 'scalar';
const MAKE = { scalar: scalarProgram, loop: loopProgram, kfunc: kfuncProgram } as const;
const make = MAKE[kind as keyof typeof MAKE] ?? scalarProgram;
const kernel = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'));
const profile = loadProfile({ release: '6.18', readBtf: () => kernel });
const nrCpus = cpus().length;
const differences = new Map<string, number[]>();
initRange(readAsset('dist/verifier.wasm'));
let accepted = 0;
let shown = 0;
for (let seed = first; seed < first + count; seed++) {
  const asm = make(generator(seed));
  const test: VerifierCase = { name: String(seed), maps: { m: { value: 64 }, k: { of: 'kptr' } }, asm };
  const program = caseProgram(test, kernel);
  using live = new LiveObject(nrCpus);
  let level = kind === 'loop' ? 4 : 6;
  let want = live.load(program, level).verdict;
  // The log was too long for its buffer: statistics are still to be equal.
  if (want.errno === 28) {
    level = 4;
    want = live.load(program, level).verdict;
  }
  let have: { errno: number; log: string };
  try {
    have = verify(program, profile, { logLevel: level, cpus: nrCpus });
  } catch (error) {
    if (!(error instanceof NotSupported)) console.log(asm);
    throw error;
  }
  if (!want.errno) accepted++;
  const a = normalize(want.log).split('\n');
  const b = normalize(have.log).split('\n');
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  if (want.errno === have.errno && at >= a.length) continue;
  const key =
    want.errno !== have.errno
      ? `errno ${want.errno} ${have.errno}`
      : `log ${(a[at] ?? '').replace(/\d+/g, 'N').slice(0, 50)}`;
  differences.set(key, [...(differences.get(key) ?? []), seed]);
  if (shown++ < 5) {
    console.log(
      `seed ${seed}: errno ${want.errno} ${have.errno}, line ${at}\n  before ${a[at - 1]}\n  kernel ${a[at]}\n  ours   ${b[at]}`,
    );
    if (process.argv.includes('-v')) console.log(asm);
  }
}
for (const [key, seeds] of differences) console.log(`${seeds.length} ${key}: ${seeds.slice(0, 5).join(' ')}`);
const different = [...differences.values()].reduce((sum, seeds) => sum + seeds.length, 0);
console.log(`${count} programs, ${accepted} accepted by the kernel, ${different} different`);
process.exitCode = different ? 1 : 0;
