/**
 * Loops that compute (compute.bpf.c) on every engine, round by round beside each other, so that what else the host does hits all
 * of them. Other BPF machines take part where their plugins for bpf_conformance are given: --ubpf "PATH --jit", --rbpf.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { callOf } from '../src/engine/calls.ts';
import type { Engine, LoadedProgram, Runnable } from '../src/engine/engine.ts';
import { createEngine } from '../src/engine/engines.ts';
import { Jit } from '../src/engine/jit/jit.ts';
import { LiveObject } from '../src/engine/live.ts';
import { marksOf } from '../src/engine/marks.ts';
import { InputError } from '../src/errors.ts';
import type { KernelProgram } from '../src/kernel/program.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { liveKernel } from '../src/platform/node/live_kernel.ts';
import { encodeInsns, op } from '../src/uapi/asm.ts';
import { asTable, type Figure, type Measured, median } from './figures.ts';

const OBJECT = 'bench/compute.bpf.o';
const ROUNDS = 15;
/** Runs of compiled code in one round; each is timed by itself, so that on a busy host most are not interrupted. */
const RUNS = 8;
const PACKET = 64;
const environment = { map: () => 0, mapValue: () => 0, kfunc: () => undefined, ksym: () => undefined };

/** A way to run a program: nanoseconds of one run, and its result. */
interface Runner {
  readonly engine: string;
  /** Runs in one round. */
  readonly runs: number;
  run(): { readonly ns: number; readonly retval: number };
}

const machine = createMachine({ cpus: 2 });
const context = machine.memory.kmalloc(PACKET, 10);
machine.memory.setU32(context, PACKET);

function simulated(engine: string, on: Engine, program: LoadedProgram, runs: number): Runner {
  const runnable: Runnable = on.load(program);
  const args = [machine.memory.address(context)];
  return {
    engine,
    runs,
    run() {
      const begin = performance.now();
      const { retval } = runnable.run({ args });
      return { ns: (performance.now() - begin) * 1e6, retval };
    },
  };
}

/** Bytes of a program that calls `insns` so many times. */
function repeated(insns: Uint8Array, times: number): Uint8Array {
  const prefix = encodeInsns([
    op('mov64_reg', { dst: 6, src: 1 }),
    op('mov64_imm', { dst: 7, imm: times }),
    op('mov64_reg', { dst: 1, src: 6 }),
    { ...op('call_local'), imm: 3 },
    op('add64_imm', { dst: 7, imm: -1 }),
    op('jne64_imm', { dst: 7, imm: 0, off: -4 }),
    op('exit'),
  ]);
  return Uint8Array.from([...prefix, ...insns]);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').replace(/../g, '$& ');

/** Another machine through its plugin: what many runs in one process take more than one. */
function plugin(engine: string, command: string, insns: Uint8Array): Runner {
  const [path = '', ...options] = command.split(' ');
  const memory = Buffer.alloc(PACKET);
  memory.writeUInt32LE(PACKET);
  const once = (times: number) => {
    const begin = performance.now();
    const { stdout, status, stderr } = spawnSync(path, [hex(memory).trim(), ...options], {
      input: hex(repeated(insns, times)),
      encoding: 'utf8',
    });
    const ns = (performance.now() - begin) * 1e6;
    if (status === 0 && /^\s*[0-9a-f]+\s*$/i.test(stdout)) {
      return { ns, retval: Number(BigInt(`0x${stdout.trim()}`) & 0xffffffffn) };
    }
    const said = (stderr || stdout).trim().split('\n')[0] || `exit status ${status}`;
    throw new InputError(`--${engine}`, path, `is no plugin for bpf_conformance, or cannot run this: ${said}`);
  };
  const MANY = 501;
  return {
    engine,
    runs: 1,
    run() {
      const [few, many] = [once(1), once(MANY)];
      return { ns: (many.ns - few.ns) / (MANY - 1), retval: many.retval };
    },
  };
}

function runnersOf(linked: KernelProgram, live: LiveObject | null, plugins: readonly [string, string][]): Runner[] {
  const { fixups, message } = machine.verify(linked);
  if (!fixups) throw new Error(`${linked.name}: ${message}`);
  const program = { id: 1, name: linked.name, insns: linked.insns, environment, ...marksOf(fixups) };
  const { memory } = machine;
  const runners = [
    simulated('jit', new Jit(memory, callOf), program, RUNS),
    simulated('jit, not counting', new Jit(memory, callOf, false), program, RUNS),
    simulated('interp', createEngine('interp', memory, callOf), program, 1),
    ...plugins.map(([engine, command]) => plugin(engine, command, linked.insns)),
  ];
  const run = live?.load(linked, 0).run;
  if (!run) return runners;
  const kernel: Runner = {
    engine: 'live',
    runs: 1,
    run() {
      const { durationNs: ns, retval } = run.testRun({ data: new Uint8Array(PACKET), repeat: RUNS });
      return { ns, retval };
    },
  };
  return [...runners, kernel];
}

/** Runs until the optimising compiler, which works beside, has put its code in place. */
async function warmUp(runners: readonly Runner[]): Promise<void> {
  for (let i = 0; i < 12; i++) {
    for (const runner of runners) for (let run = 0; run < 40; run++) runner.run();
    await sleep(40);
  }
}

export async function benchCompute(plugins: readonly [string, string][]): Promise<Measured> {
  const figures: Figure[] = [];
  const object = machine.load(new Uint8Array(readFileSync(new URL(OBJECT, PACKAGE_ROOT ?? import.meta.url))), {
    name: OBJECT,
  });
  for (const { name, linked } of object.programs) {
    using live = liveKernel().missing ? null : new LiveObject(1);
    const runners = runnersOf(linked as KernelProgram, live, plugins);
    const wanted = runners.map((runner) => runner.run().retval);
    if (new Set(wanted).size !== 1) throw new Error(`${name}: engines give ${wanted.join(', ')}`);
    await warmUp(runners.filter(({ engine }) => engine.startsWith('jit')));
    const times = runners.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      runners.forEach((runner, i) => {
        for (let run = 0; run < runner.runs; run++) times[i]?.push(runner.run().ns);
      });
    }
    const ns = times.map(median);
    const kernel = ns[runners.findIndex(({ engine }) => engine === 'live')];
    runners.forEach(({ engine }, i) => {
      const own = ns[i] as number;
      const vsKernel = kernel === undefined ? null : own / kernel;
      figures.push({ group: 'compute', name, engine, cpus: machine.cpus, ns: own, vsKernel, vsC: null });
    });
  }
  return asTable(figures);
}
