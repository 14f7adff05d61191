/** The checking interpreter, beside the running kernel's JIT where there is one: the same programs, nanoseconds an instruction. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ALLOC_BUFFER } from '../assembly/layout.ts';
import { callOf } from '../src/engine/calls.ts';
import { Interpreter } from '../src/engine/interp.ts';
import { LiveObject } from '../src/engine/live.ts';
import { KernelMemory } from '../src/kernel/memory.ts';
import type { KernelProgram } from '../src/kernel/program.ts';
import { readAsset } from '../src/platform/node/assets.ts';
import { liveKernel } from '../src/platform/node/live_kernel.ts';
import { assemble } from '../src/uapi/asm.ts';
import { type Figure, type Measured, median } from './figures.ts';
import { table } from './table.ts';

/** Bytes of the packet; the loop runs 64 times as often, a number that the verifier does not know. */
const LENGTH = 64;
/** Runs take less than a millisecond, so that on a busy host most of them are not interrupted. */
const ROUNDS = 101;

const repeat = (text: string, count: number) => Array.from({ length: count }, () => text).join('; ');

/** Bodies of a loop; r1 to r3 are theirs. */
const BODIES: Readonly<Record<string, string>> = {
  arithmetic: repeat('r1 += 3; r1 ^= 0x55; r1 *= 5; w1 <<= 1', 6),
  'stack, load and store': repeat('*(u64 *)(r10 - 8) = r1; r1 = *(u64 *)(r10 - 8); r1 += r2', 8),
  branches: repeat('if r2 == 77 goto +1; r1 ^= 1', 12),
  atomics: `r3 = 1; ${repeat('lock *(u64 *)(r10 - 8) += r3', 12)}`,
};

const programOf = (body: string) =>
  assemble(`r6 = *(u32 *)(r1 + 0); r6 <<= 6; r1 = r6; r2 = r6; *(u64 *)(r10 - 8) = r6
    again: may_goto out; ${body}; r6 += -1; if r6 != 0 goto again; out: r0 = 0; exit`);

async function interpret(insns: Uint8Array): Promise<{ ns: number; count: number }> {
  const memory = KernelMemory.create({
    ...{ cpus: 1, nrCpus: 64, cpumaskSize: 8, bpfCpumaskSize: 16, usageOffset: 8, memoryLimit: 16 << 20 },
    wasm: readAsset('dist/kernel.wasm'),
  });
  const environment = { map: () => 0, mapValue: () => 0, kfunc: () => undefined, ksym: () => undefined };
  const program = new Interpreter(memory, callOf).load({ id: 1, name: 'bench', insns, environment });
  const context = memory.kmalloc(8, ALLOC_BUFFER);
  memory.setU32(context, LENGTH);
  let count = 0;
  const once = () => {
    const begin = performance.now();
    count = program.run({ args: [memory.address(context)] }).insns;
    return (performance.now() - begin) * 1e6;
  };
  // Until the optimising compiler, which works beside, has put its code in place.
  for (let i = 0; i < 20; i++) {
    for (let run = 0; run < 20; run++) once();
    await sleep(50);
  }
  return { ns: median(Array.from({ length: ROUNDS }, once)) / count, count };
}

/** Median of the kernel's own average over repeated runs; null where there is no kernel to ask. */
function live(insns: Uint8Array, count: number): number | null {
  if (liveKernel().missing) return null;
  const program: KernelProgram = {
    ...{ object: 'bench', name: 'bench', section: 'tc', type: 'sched_cls', attachType: null, attachTo: null },
    ...{ attachBtfId: 0, structOpsMember: 0, flags: 0, license: 'GPL', insns, maps: [], btf: null, lines: [] },
    funcs: [{ name: 'bench', insn: 0, insnCount: insns.length / 8, typeId: 0, linkage: 'global' }],
    coreInsns: new Set(),
  };
  using object = new LiveObject(1);
  const { run } = object.load(program, 0);
  if (!run) return null;
  const times = Array.from(
    { length: ROUNDS },
    () => run.testRun({ data: new Uint8Array(LENGTH), repeat: 3 }).durationNs,
  );
  return median(times) / count;
}

export async function benchInterp(): Promise<Measured> {
  const rows: string[][] = [];
  const figures: Figure[] = [];
  for (const [name, body] of Object.entries(BODIES)) {
    const insns = programOf(body);
    const { ns, count } = await interpret(insns);
    const kernel = live(insns, count);
    const ratio = kernel ? (ns / kernel).toFixed(1) : '-';
    const figure = (engine: string, own: number): Figure => {
      const vsKernel = kernel === null ? null : own / kernel;
      return { group: 'interp', name, engine, cpus: 1, ns: own, vsKernel, vsC: null };
    };
    figures.push(figure('interp', ns), ...(kernel === null ? [] : [figure('live', kernel)]));
    rows.push([name, ns.toFixed(2), kernel ? kernel.toFixed(2) : '-', ratio]);
  }
  return { figures, table: table([['ns an instruction', 'interp', 'live kernel', 'ratio'], ...rows]) };
}
