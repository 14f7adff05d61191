/** Translating and instantiating programs by size: in a process that has done it before, and in one that has not. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { optimizeLater } from '../src/cli/tiering.ts';
import { callOf } from '../src/engine/calls.ts';
import { Jit } from '../src/engine/jit/jit.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { assemble } from '../src/uapi/asm.ts';
import { asTable, type Figure, type Measured, median } from './figures.ts';

const SIZES = [100, 1000, 10_000] as const;
const CPUS = 8;
/** What the first argument of a process that translates once is. */
export const TRANSLATE_ONCE = 'translate-once';

/** What compilers write: some arithmetic, loads and stores on the stack, a branch around some of it, calls. */
function program(size: number): Uint8Array {
  const lines = ['r6 = r1', 'r7 = 1', 'r8 = 2', 'r9 = 3', '*(u64 *)(r10 -8) = r7'];
  for (let i = 0; lines.length + i < size - 12; i++) {
    lines.push('r7 += r8', `w8 ^= ${i}`, 'r9 = *(u64 *)(r10 -8)', `if r9 > ${i} goto l${i}`, 'r9 *= r7');
    lines.push('*(u64 *)(r10 -8) = r9', `l${i}:`, 'r8 >>= 3');
    if (i % 8 === 0) lines.push('call bpf_get_smp_processor_id', 'r9 += r0');
  }
  lines.push('r0 = r9', 'exit');
  return assemble(lines.join('\n'));
}

/** Nanoseconds that it takes, so often. */
function translate(size: number, times: number): number[] {
  const { memory } = createMachine({ cpus: CPUS });
  const jit = new Jit(memory, callOf);
  const insns = program(size);
  const environment = { map: () => 0, mapValue: () => 0, kfunc: () => undefined, ksym: () => undefined };
  return Array.from({ length: times }, () => {
    const begin = performance.now();
    const runnable = jit.load({ id: 1, name: 'translate', insns, environment });
    const ns = (performance.now() - begin) * 1e6;
    runnable.dispose();
    return ns;
  });
}

/** A process of its own translates once, with V8 as the command line sets it, and says so on stdout. */
export function translateOnce(size: number): void {
  optimizeLater();
  console.log(translate(size, 1)[0]);
}

export async function benchTranslate(): Promise<Measured> {
  const figures = SIZES.flatMap((size) => {
    const figure = (name: string, ns: number): Figure => ({
      ...{ group: 'translate', name, engine: 'jit', cpus: CPUS, ns },
      ...{ vsKernel: null, vsC: null },
    });
    const cold = Array.from({ length: 3 }, () => {
      const args = [fileURLToPath(import.meta.url), TRANSLATE_ONCE, `${size}`];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return Number(stdout);
    });
    const warm = translate(size, size > 5000 ? 20 : 100);
    return [figure(`${size} instructions, warm`, median(warm)), figure(`${size} instructions, cold`, median(cold))];
  });
  return asTable(figures);
}
