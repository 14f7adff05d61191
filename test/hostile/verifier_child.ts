/**
 * `node scripts/run.mjs test/hostile/verifier_child.ts SHAPE`: verifies one hostile program in a process of its own and prints
 * errno, the verifier's last words and the peak of memory as JSON.
 */

import { readAsset } from '../../src/platform/node/assets.ts';
import { packageProfile } from '../../src/platform/node/platform.ts';
import { assemble } from '../../src/uapi/asm.ts';
import { initRange, verify } from '../../src/verifier/index.ts';
import { caseProgram, type VerifierCase } from '../verifier/case.ts';

const BASE: VerifierCase = { name: 'hostile', type: 'socket_filter', asm: 'r0 = 0; exit' };

/** `count` times the same instruction, then an exit. */
function straight(count: number): Uint8Array {
  const one = assemble('r0 = 0');
  const exit = assemble('exit');
  const insns = new Uint8Array((count + 1) * one.length);
  for (let i = 0; i < count; i++) insns.set(one, i * one.length);
  insns.set(exit, count * one.length);
  return insns;
}

/** Programs by name; what is to become of each is in verifier.test.ts. */
const shapes: Readonly<Record<string, () => Uint8Array>> = {
  'a million instructions': () => straight(999_999),
  // Every path through the branches leaves another value in r6: no state ever covers another.
  'states that double': () => {
    const step = (bit: number) => `call bpf_get_prandom_u32; if r0 > 5 goto +1; r6 += ${2 ** bit}`;
    const steps = Array.from({ length: 28 }, (_, bit) => step(bit)).join('; ');
    return assemble(`r6 = 0; ${steps}; r1 = r10; r6 &= 7; r1 += -8; r1 += r6; *(u8 *)(r1 + 0) = 0; r0 = 0; exit`);
  },
};

const [name = ''] = process.argv.slice(2);
const shape = shapes[name];
if (!shape) throw new Error(`no shape ${name}; there are ${Object.keys(shapes).join(', ')}`);
initRange(readAsset('dist/verifier.wasm'));
const profile = packageProfile('6.18', undefined);
const program = { ...caseProgram(BASE, profile.btf), insns: shape(), lines: [] };
const started = performance.now();
const { errno, log } = verify(program, profile, { logLevel: 4 });
console.log(
  JSON.stringify({
    errno,
    log: log.trimEnd().split('\n').slice(-2),
    ms: Math.round(performance.now() - started),
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
