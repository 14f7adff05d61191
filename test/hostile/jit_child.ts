/**
 * `node scripts/run.mjs test/hostile/jit_child.ts SHAPE`: compiles one hostile program (jit_shapes.ts) in a process of its own, runs it, and
 * prints r0, instructions, bytes of code and the peak of memory as JSON.
 */

import { createBench } from '../conformance/machine.ts';
import { compiledModules } from '../support/modules.ts';
import { jitShapes } from './jit_shapes.ts';

const [name = ''] = process.argv.slice(2);
const make = jitShapes[name];
if (!make) throw new Error(`no shape ${name}; there are ${Object.keys(jitShapes).join(', ')}`);
const bench = createBench(64, 'jit', 256 << 20);
const program = make();
const began = process.cpuUsage();
const load = () => bench.load(program, { stackDepths: new Map([[0, 0]]) });
let runnable: ReturnType<typeof load> | undefined;
// None when the program is interpreted.
const modules = compiledModules(() => {
  runnable = load();
});
const ms = () => Math.round(process.cpuUsage(began).user / 1000);
const compiledMs = ms();
const { r0, insns, fault } = (runnable ?? load()).run({ args: [5n], budget: 50_000_000 });
console.log(
  JSON.stringify({
    ...{ r0: Number(r0), insns, fault: fault?.kind ?? null, modules, compiledMs, ms: ms() },
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
