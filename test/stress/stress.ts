/** Parallel stress: CPUs claim bits, hand masks to each other and read what others replace, all at once, batch after batch. */
import { readFileSync } from 'node:fs';
import { MM_BYTES } from '../../assembly/layout.ts';
import type { EngineName } from '../../src/engine/engines.ts';
import type { Machine } from '../../src/machine/machine.ts';
import type { BpfObject } from '../../src/machine/object.ts';
import { createMachine } from '../../src/platform/create_machine.ts';
import { root } from '../root.ts';

type Name = 'claim' | 'exchange' | 'publish' | 'read' | 'own_bit';
/** What the CPUs do in a batch, in turn; `kept`: who claims bits gives them back, so that the shared mask is empty again. */
const BATCHES: readonly { readonly names: readonly Name[]; readonly kept: boolean }[] = [
  { names: ['claim'], kept: true },
  { names: ['exchange'], kept: true },
  { names: ['publish', 'read'], kept: false },
  { names: ['own_bit'], kept: true },
  { names: ['exchange', 'publish'], kept: false },
];
/** Batches until free lists and threads have what they keep. */
const WARM_UP = 20;
/** What may be in the CPUs' free lists at one time and not at another. */
const SLACK = 256 << 10;
const BATCH_LIMIT_MS = 120_000;

export interface StressOptions {
  readonly engine: EngineName;
  readonly workers: number;
  /** Rounds of each CPU in a batch: those of one run, and runs. */
  readonly rounds: number;
  readonly times: number;
  /** Asked before each batch. */
  enough(so: Stressed): boolean;
  /** Told after each batch, before everything is given back. */
  after?(machine: Machine, object: BpfObject, so: Stressed): void;
}

/** What was done so far. */
export interface Stressed {
  batches: number;
  /** Rounds that did what they were to do, by program, and those that found a bit claimed or no memory. */
  readonly done: Record<Name, number>;
  missed: number;
  gracePeriods: number;
  /** Bytes of the machine's memory that are in use after a batch, and after the warm-up; 0 before it. */
  bytes: number;
  warm: number;
  /** The first wrong bit, lost reference, warning, fault, or growth of memory. */
  wrong: string | null;
}

export const operationsOf = ({ done }: Stressed): number => Object.values(done).reduce((sum, n) => sum + n, 0);

/** Adds what the CPUs counted since it was last asked, and starts the counts again; what they found wrong. */
function collect(object: BpfObject, names: readonly Name[], so: Stressed): number {
  let wrong = 0;
  names.forEach((name, i) => {
    const row = object.globals.get(`tallies[${i + 1}]`) as Record<'done' | 'wrong' | 'missed', bigint | number>;
    so.done[name] += Number(row.done);
    so.missed += Number(row.missed);
    wrong += Number(row.wrong);
    for (const count of ['done', 'wrong', 'missed']) object.globals.set(`tallies[${i + 1}].${count}`, 0);
  });
  return wrong;
}

/** What is wrong with the mask that all CPUs worked on, or null. */
function sharedMask(object: BpfObject, kept: boolean): string | null {
  const shared = object.globals.get('shared') as { readonly cpus: string; readonly refs: number } | null;
  if (shared?.refs !== 1) return `the shared mask has ${shared?.refs ?? 'no'} references`;
  return kept && shared.cpus !== '' ? `bits ${shared.cpus} of the shared mask are left` : null;
}

/** Gives everything back; what is wrong now, or null. */
function settle(machine: Machine, object: BpfObject): string | null {
  object.program('tear_down').run();
  machine.rcu.synchronize({ timeoutMs: 10_000 });
  const live = machine.liveObjects().length;
  if (live) return `${live} masks are left`;
  const warning = machine.warnings()[0];
  if (warning) return `warning: ${warning.text}`;
  return machine.rcu.pending ? `${machine.rcu.pending} callbacks wait without a reader` : null;
}

/** Batch after batch until there were enough, or something is wrong. */
export async function stress({ engine, workers, rounds, times, enough, after }: StressOptions): Promise<Stressed> {
  // CPUs 0 to 3 are the bits that programs work on.
  const cpus = Math.max(workers + 1, 4);
  using machine = createMachine({ cpus, engine, memoryLimit: 64 << 20 });
  const object = machine.load(readFileSync(new URL('test/objects/parallel.bpf.o', root)), { set: { rounds } });
  const so: Stressed = {
    ...{ batches: 0, missed: 0, gracePeriods: 0, bytes: 0, warm: 0, wrong: null },
    done: { claim: 0, exchange: 0, publish: 0, read: 0, own_bit: 0 },
  };
  while (!so.wrong && !enough(so)) {
    object.program('set_up').run();
    const { names, kept } = BATCHES[so.batches % BATCHES.length] as (typeof BATCHES)[number];
    const each = Array.from({ length: workers }, (_, i) => names[i % names.length] as Name);
    const jobs = each.map((name, i) => ({ cpu: i + 1, program: object.program(name), times }));
    for (const { fault, died, runs, program } of await machine.runParallel(jobs, { timeLimitMs: BATCH_LIMIT_MS })) {
      if (died || fault || runs !== times) {
        so.wrong ??= `${program.name}: ${died ?? fault?.kind ?? `${runs} runs in ${BATCH_LIMIT_MS} ms`}`;
      }
    }
    const wrong = collect(object, each, so);
    if (wrong) so.wrong ??= `${wrong} wrong bits or masks`;
    after?.(machine, object, so);
    so.wrong ??= sharedMask(object, kept) ?? settle(machine, object);
    so.batches++;
    so.gracePeriods = machine.rcu.completed;
    so.bytes = machine.memory.u32At(MM_BYTES);
    if (so.batches === WARM_UP) so.warm = so.bytes;
    if (so.warm && so.bytes > so.warm + SLACK) so.wrong ??= `memory grew from ${so.warm} to ${so.bytes} bytes`;
  }
  return so;
}
