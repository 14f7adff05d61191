/** Asks the running kernel about the object cases: prints what differs from expected.json; --write writes that. */
import { writeFileSync } from 'node:fs';
import { LiveObject } from '../../src/engine/live.ts';
import { reasonOf } from '../../src/engine/live_log.ts';
import { VMLINUX_BTF } from '../../src/platform/node/live_kernel.ts';
import { openProfile } from '../../src/platform/node/profile.ts';
import { possibleCpus } from '../../src/platform/node/sched_affinity.ts';
import { answer, EXPECTED_FILE, expectedOfObjects, objectCases } from './objects.ts';

const profile = openProfile('6.18', { btf: VMLINUX_BTF });
const expected = expectedOfObjects();
const said: Record<string, string> = {};
for (const { name, linked } of objectCases(profile)) {
  if (linked.program) {
    using live = new LiveObject(possibleCpus());
    const { verdict } = live.load(linked.program, 4);
    said[name] = answer({ errno: verdict.errno, message: reasonOf(verdict.log) });
  } else said[name] = answer(linked.reject);
  if (said[name] !== expected[name]) console.log(`${name}\n  kernel:  ${said[name]}\n  written: ${expected[name]}`);
}
console.log(`${Object.keys(said).length} programs`);
if (process.argv.includes('--write')) writeFileSync(EXPECTED_FILE, `${JSON.stringify(said, null, 1)}\n`);
