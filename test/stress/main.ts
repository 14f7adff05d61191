/**
 * Parallel stress until the time is over: npm run stress -- [--minutes N] [--workers N] [--engine interp|jit]. CPUs claim bits, hand
 * masks to each other and read what others replace, all at once; after each batch everything is given back. Ends with status 1
 * at the first wrong bit, lost reference, warning, fault, or growth of memory.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MM_BYTES } from '../../assembly/layout.ts';
import type { EngineName } from '../../src/engine/engines.ts';
import { InputError } from '../../src/errors.ts';
import type { Machine } from '../../src/machine/machine.ts';
import type { BpfObject } from '../../src/machine/object.ts';
import { createMachine } from '../../src/platform/create_machine.ts';
import { root } from '../root.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    engine: { type: 'string', default: 'jit' },
  },
});

/** What the CPUs do in a batch, in turn. */
const BATCHES: readonly (readonly string[])[] = [
  ['claim', 'claim'],
  ['exchange', 'exchange'],
  ['publish', 'read'],
  ['own_bit', 'own_bit'],
  ['exchange', 'publish'],
];
const ROUNDS = 10_000;
const TIMES: Readonly<Record<EngineName, number>> = { jit: 50, interp: 5 };
/** Batches until free lists and threads have what they keep. */
const WARM_UP = 20;
/** What may be in the CPUs' free lists at one time and not at another. */
const SLACK = 256 << 10;
const BATCH_LIMIT_MS = 120_000;

interface Sums {
  done: number;
  wrong: number;
  missed: number;
}

function number(name: keyof typeof values, most: number): number {
  const value = Number(values[name]);
  if (value > 0 && value <= most) return value;
  throw new InputError(`--${name}`, '', `"${values[name]}" is not a number up to ${most}`);
}

/** Adds what the CPUs counted since it was last asked, and starts the counts again. */
function collect(object: BpfObject, cpus: number, sums: Sums): void {
  for (let cpu = 0; cpu < cpus; cpu++) {
    const row = object.globals.get(`tallies[${cpu}]`) as Record<keyof Sums, bigint | number>;
    for (const name of ['done', 'wrong', 'missed'] as const) {
      sums[name] += Number(row[name]);
      object.globals.set(`tallies[${cpu}].${name}`, 0);
    }
  }
}

/** Gives everything back; what is wrong now, or null. */
function settle(machine: Machine, object: BpfObject): string | null {
  object.program('tear_down').run();
  machine.rcu.synchronize({ timeoutMs: 10_000 });
  const live = machine.liveObjects().length;
  if (live) return `${live} masks are left`;
  const warning = machine.warnings()[0];
  if (warning) return `warning: ${warning.text}`;
  if (machine.rcu.pending) return `${machine.rcu.pending} callbacks wait without a reader`;
  return null;
}

async function stress(): Promise<number> {
  const engine = values.engine === 'interp' ? 'interp' : 'jit';
  const workers = number('workers', 64);
  const minutes = number('minutes', 60 * 24 * 30);
  // CPUs 0 to 3 are the bits that programs work on.
  const cpus = Math.max(workers + 1, 4);
  using machine = createMachine({ cpus, engine, memoryLimit: 64 << 20 });
  const object = machine.load(readFileSync(new URL('test/objects/parallel.bpf.o', root)), { set: { rounds: ROUNDS } });
  const sums: Sums = { done: 0, wrong: 0, missed: 0 };
  const end = performance.now() + minutes * 60_000;
  let [batches, warm, peak] = [0, 0, 0];
  const bytes = () => machine.memory.u32At(MM_BYTES);
  let wrong: string | null = null;
  for (; performance.now() < end && !wrong; batches++) {
    object.program('set_up').run();
    const names = BATCHES[batches % BATCHES.length] as readonly string[];
    const jobs = Array.from({ length: workers }, (_, i) => {
      return { cpu: i + 1, program: object.program(names[i % names.length] ?? 'claim'), times: TIMES[engine] };
    });
    for (const { fault, died, runs, program } of await machine.runParallel(jobs, { timeLimitMs: BATCH_LIMIT_MS })) {
      if (died || fault || runs !== TIMES[engine]) {
        wrong = `${program.name}: ${died ?? fault?.kind ?? `${runs} runs in ${BATCH_LIMIT_MS} ms`}`;
      }
    }
    collect(object, cpus, sums);
    if (sums.wrong) wrong = `${sums.wrong} wrong bits or masks`;
    wrong ??= settle(machine, object);
    if (batches === WARM_UP) warm = bytes();
    if (warm && bytes() > warm + SLACK) wrong ??= `memory grew from ${warm} to ${bytes()} bytes`;
    peak = Math.max(peak, process.memoryUsage().rss);
    if (batches % 500 === 0) report();
  }
  function report(): void {
    console.log(
      `${new Date().toISOString()} ${batches} batches, ${sums.done} operations done, ${sums.missed} refused, ` +
        `${machine.rcu.completed} grace periods, ${bytes() >> 10} KiB (${warm >> 10} after warm-up), rss ${peak >> 20} MiB`,
    );
  }
  report();
  console.log(wrong ?? `${minutes} minutes, ${workers} workers, ${engine}: nothing wrong, nothing left`);
  return wrong ? 1 : 0;
}

try {
  process.exitCode = await stress();
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.log(error.message);
  process.exitCode = 2;
}
