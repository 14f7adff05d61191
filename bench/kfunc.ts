/**
 * Every cpumask kfunc called from a loop in BPF (kfunc.bpf.c): compiled, on the live kernel, and as plain C (kfunc.c), round by
 * round beside each other. First on a machine of the live kernel's size, then at sizes that this host does not have.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LiveSession, nearestRelease } from '../src/engine/live_session.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { liveKernel, VMLINUX_BTF } from '../src/platform/node/live_kernel.ts';
import { openProfile } from '../src/platform/node/profile.ts';
import { possibleCpus } from '../src/platform/node/sched_affinity.ts';
import { asTable, type Figure, type Measured, median } from './figures.ts';

const OBJECT = 'bench/kfunc.bpf.o';
const SIZES = [64, 256, 1024, 8192];
/** Rounds of measuring, and calls of kfuncs that a loop makes for each time round (EIGHT). */
const ROUNDS = 15;
const CALLS = 8;
/** Runs one after another whose median counts as one, as kfunc.c has it (RUNS): the first ones find cold caches. */
const RUNS = 15;
/** struct bench: rounds, cpus, sum. */
const CONTEXT = 16;
/** Times round the loop: of masks of few words, of many, and of programs that allocate. */
const loops = (name: string, cpus: number) => (name === 'create_release' ? 32 : cpus > 512 ? 100 : 500);
/** What a CPU found last stays from run to run, and so these do not begin where they began before. */
const GO_ON = new Set(['any_distribute', 'any_and_distribute']);

interface Sample {
  readonly ns: number;
  readonly sum: bigint;
}

/** A way to run the programs: some runs of one of them, or null where it has none of that name. */
interface Runner {
  readonly engine: string;
  run(name: string): Sample | null;
}

function some(once: () => Sample): Sample {
  const samples = Array.from({ length: RUNS }, once);
  return { ns: median(samples.map(({ ns }) => ns)), sum: (samples[0] as Sample).sum };
}

const file = (name: string) => new URL(name, PACKAGE_ROOT ?? import.meta.url);

function contextOf(name: string, cpus: number): Uint8Array {
  const words = new Uint32Array(CONTEXT / 4);
  words[0] = loops(name, cpus);
  words[1] = cpus;
  return new Uint8Array(words.buffer);
}

const sumOf = (context: Uint8Array) => new DataView(context.buffer, context.byteOffset).getBigUint64(8, true);

type Kernel = Parameters<typeof createMachine>[0];

/** The programs, compiled, on a machine of ours. */
function compiled(kernel: Kernel, cpus: number): Runner & { readonly names: readonly string[] } {
  const object = createMachine({ ...kernel, cpus, engine: 'jit' }).load(new Uint8Array(readFileSync(file(OBJECT))), {
    name: OBJECT,
  });
  return {
    engine: 'jit',
    names: object.programs.map(({ name }) => name),
    run(name) {
      const program = object.program(name);
      return some(() => {
        const { durationNs: ns, ctx, fault } = program.run({ ctx: contextOf(name, cpus) });
        if (fault || !ctx) throw new Error(`${name}: ${fault?.kind}`);
        return { ns, sum: sumOf(ctx) };
      });
    },
  };
}

/** The same on the live kernel; a run's time is that of the system call, whose own the empty loop has too. */
function onKernel(session: LiveSession, cpus: number): Runner {
  const programs = new Map(
    session.linked.map((linked) => {
      const { run, verdict } = session.load(linked, 0);
      if (!run) throw new Error(`${linked.spec.name}: the kernel says ${verdict?.message}`);
      return [linked.spec.name, run] as const;
    }),
  );
  return {
    engine: 'live',
    run(name) {
      const program = programs.get(name);
      if (!program) return null;
      return some(() => {
        const context = contextOf(name, cpus);
        const begin = performance.now();
        const { ctx } = program.testRun({ ctx: context });
        const ns = (performance.now() - begin) * 1e6;
        if (!ctx) throw new Error(`${name}: the kernel gives no context back`);
        return { ns, sum: sumOf(ctx) };
      });
    },
  };
}

/** The C functions, in a process that runs all of them when it is asked for the first; null without a compiler. */
function inC(binary: string, cpus: number, nrCpus: number): Runner {
  let samples = new Map<string, Sample>();
  return {
    engine: 'c',
    run(name) {
      if (name === 'empty') {
        const { stdout, status } = spawnSync(binary, [cpus, nrCpus, loops(name, cpus)].map(String), {
          encoding: 'utf8',
        });
        if (status !== 0) throw new Error(`${binary}: status ${status}`);
        const lines = stdout.trim().split('\n');
        samples = new Map(
          lines.map((line) => {
            const [row = '', ns, sum = ''] = line.split(' ');
            return [row, { ns: Number(ns), sum: BigInt(sum) }];
          }),
        );
      }
      return samples.get(name) ?? null;
    },
  };
}

/** kfunc.c as a program; null where there is no gcc. It gets the popcnt that the kernel's weight uses, too. */
function buildC(folder: string): string | null {
  const binary = join(folder, 'kfunc');
  const flags = process.arch === 'x64' ? ['-O2', '-mpopcnt'] : ['-O2'];
  const { status, error } = spawnSync('gcc', [...flags, fileURLToPath(file('bench/kfunc.c')), '-o', binary], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status === 0) return binary;
  console.error(`no comparison with C: gcc ${error ? 'is not installed' : 'failed'}`);
  return null;
}

/** Nanoseconds a call, the empty loop's not counted, by program and runner. */
async function measure(
  runners: readonly Runner[],
  names: readonly string[],
  cpus: number,
): Promise<Map<string, number[]>> {
  for (const name of names) {
    const sums = runners.flatMap((runner) => runner.run(name)?.sum ?? []);
    if (!GO_ON.has(name) && new Set(sums).size !== 1) throw new Error(`${name} gives ${sums.join(', ')}`);
  }
  // Until the optimising compiler, which works beside, and longer on longer masks, has put its code in place.
  for (let i = 0; i < 8; i++) {
    for (const name of names) runners[0]?.run(name);
    await sleep(50 + cpus / 16);
  }
  const times = new Map(names.map((name) => [name, runners.map((): number[] => [])]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      runners.forEach((runner, i) => {
        const sample = runner.run(name);
        if (sample) times.get(name)?.[i]?.push(sample.ns);
      });
    }
  }
  const perRound = (name: string) =>
    (times.get(name) ?? []).map((samples) => median(samples) / loops(name, cpus) / CALLS);
  const empty = perRound('empty');
  return new Map(names.map((name) => [name, perRound(name).map((ns, i) => ns - (empty[i] as number))]));
}

/** What is left of a time when all of it is the loop's. */
const LEAST_NS = 0.05;

async function figuresOf(runners: readonly Runner[], names: readonly string[], cpus: number): Promise<Figure[]> {
  const measured = await measure(runners, names, cpus);
  return names.flatMap((name) => {
    if (name === 'empty') return [];
    const times = (measured.get(name) ?? []).map((ns) => (Number.isNaN(ns) ? null : Math.max(ns, LEAST_NS)));
    const of = (engine: string) => times[runners.findIndex((runner) => runner.engine === engine)] ?? null;
    const ratio = (ns: number, reference: number | null) => (reference === null ? null : ns / reference);
    return runners.flatMap(({ engine }): Figure[] => {
      const ns = of(engine);
      if (ns === null) return [];
      return [{ group: 'kfunc', name, engine, cpus, ns, vsKernel: ratio(ns, of('live')), vsC: ratio(ns, of('c')) }];
    });
  });
}

/** Beside the live kernel, on a machine of its size and with its BTF. */
async function besideKernel(binary: string | null): Promise<Figure[]> {
  const { missing } = liveKernel();
  if (missing) {
    console.error(`no comparison with the kernel: ${missing}`);
    return [];
  }
  const cpus = possibleCpus();
  const profile = openProfile(nearestRelease(release()), { btf: VMLINUX_BTF });
  using session = new LiveSession(readFileSync(file(OBJECT)), { name: OBJECT, profile, possibleCpus: cpus });
  const ours = compiled({ profile }, cpus);
  const c = binary ? [inC(binary, cpus, profile.nrCpus)] : [];
  return await figuresOf([ours, onKernel(session, cpus), ...c], ours.names, cpus);
}

export async function benchKfunc(): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bpf-cpumask-'));
  try {
    const binary = buildC(folder);
    const figures = await besideKernel(binary);
    for (const cpus of SIZES) {
      const nrCpus = Math.max(cpus, 256);
      const ours = compiled({ nrCpus }, cpus);
      figures.push(...(await figuresOf([ours, ...(binary ? [inC(binary, cpus, nrCpus)] : [])], ours.names, cpus)));
    }
    return asTable(figures);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
