/**
 * `node scripts/run.mjs test/hostile/verifier_child.ts SHAPE [--live]`: verifies one hostile program (shapes.ts) in a process of its own
 * and prints errno, the last words of the log and the peak of memory as JSON. --live asks the running kernel (root, 6.18).
 */

import { LiveObject } from '../../src/engine/live.ts';
import { NotSupported } from '../../src/errors.ts';
import { readAsset } from '../../src/platform/node/assets.ts';
import { packageProfile } from '../../src/platform/node/platform.ts';
import { initRange, verify } from '../../src/verifier/index.ts';
import { caseProgram, lastMessage } from '../verifier/case.ts';
import { shapes } from './shapes.ts';

const [name = '', live] = process.argv.slice(2);
const make = shapes[name];
if (!make) throw new Error(`no shape ${name}; there are ${Object.keys(shapes).join(', ')}`);
initRange(readAsset('dist/verifier.wasm'));
const profile = packageProfile('6.18', undefined);
const started = performance.now();
const { insns, maps = {}, also } = make();
const base = caseProgram({ name: 'hostile', type: 'socket_filter', maps, asm: 'r0 = 0; exit' }, profile.btf);
const program = { ...base, insns, lines: [], ...also };

function ask(): { errno: number; log: string } {
  if (!live) return verify(program, profile, { logLevel: 4 });
  using object = new LiveObject(2);
  return object.load(program, 4).verdict;
}

function outcome(): { errno: number; says: string; processed: number } {
  try {
    const { errno, log } = ask();
    const processed = Number(/^processed (\d+) insns/m.exec(log)?.[1] ?? 0);
    return { errno, says: lastMessage(log), processed };
  } catch (error) {
    if (!(error instanceof NotSupported)) throw error;
    return { errno: -1, says: error.message, processed: 0 };
  }
}

const result = outcome();
console.log(
  JSON.stringify({
    ...result,
    ms: Math.round(performance.now() - started),
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
