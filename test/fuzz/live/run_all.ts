/** One program on each engine, the running kernel's too: verdict, return value, every map entry. */
import { ENGINE_NAMES } from '../../../src/engine/engines.ts';
import { LiveObject } from '../../../src/engine/live.ts';
import { reasonOf } from '../../../src/engine/live_log.ts';
import { marksOf } from '../../../src/engine/marks.ts';
import { InputError } from '../../../src/errors.ts';
import { createMap, LocalTypes } from '../../../src/kernel/bpf/maps/index.ts';
import type { Profile } from '../../../src/kernel/profile.ts';
import type { KernelProgram } from '../../../src/kernel/program.ts';
import type { MapSpec } from '../../../src/loader/spec.ts';
import { contextPointers, makeContext } from '../../../src/machine/context.ts';
import type { Machine } from '../../../src/machine/machine.ts';
import { createMachine } from '../../../src/platform/create_machine.ts';
import { toHex } from '../../../src/report/table.ts';
import type { Verdict } from '../../../src/verifier/index.ts';
import { caseProgram } from '../../verifier/case.ts';
import { programCase, type RandomProgram } from './programs.ts';

/** What one kernel made of a program, by name: what is equal is no difference. */
type Observed = Readonly<Record<string, string | number>>;

/** Instructions after which a simulated run counts as hung. */
const BUDGET = 10_000_000;
/** Programs that share a machine: as a kernel's, its allocator has a past. */
const PER_MACHINE = 200;
const PACKET = new Uint8Array(64);

/** Bytes of a value that a program can tell from others; kptrs are what they are. */
function entriesOf(name: string, entries: Iterable<{ key: Uint8Array; value: Uint8Array }>): Record<string, string> {
  return Object.fromEntries([...entries].map(({ key, value }) => [`${name}[${toHex(key)}]`, toHex(value)]));
}

function onLive(program: KernelProgram, cpus: number): Observed {
  using live = new LiveObject(cpus);
  const { verdict, run } = live.load(program, 4);
  if (!run) return { errno: verdict.errno, message: reasonOf(verdict.log) };
  const { retval } = run.testRun(program.type === 'syscall' ? {} : { data: PACKET });
  const maps = program.maps.map((spec: MapSpec) => entriesOf(spec.name, live.entries(spec) ?? []));
  return Object.assign({ errno: 0, retval }, ...maps) as Observed;
}

function onMachine(machine: Machine, program: KernelProgram, verdict: Verdict): Observed {
  const { errno, message, stats, fixups } = verdict;
  const { insnsProcessed } = stats;
  if (!fixups) return { errno, message: message ?? '', insnsProcessed };
  const { memory } = machine;
  const before = machine.liveObjects().length;
  const types = new LocalTypes(memory, program.btf, machine.profile.btf);
  const maps = program.maps.map((spec) => createMap(memory, spec, types));
  const at = (index: number) => maps[index] as (typeof maps)[number];
  const runnable = machine.engine.load({
    id: 1,
    name: program.name,
    insns: program.insns,
    environment: {
      map: (index) => at(index).offset,
      mapValue: (index) => at(index).valueOffset(0),
      kfunc: (id) => machine.kfuncName(id),
      ksym: (id) => machine.kernelVariable(id),
    },
    ...marksOf(fixups),
    context: contextPointers(program.type),
    sleepable: program.type === 'syscall',
  });
  const packet = program.type === 'syscall' ? {} : { data: PACKET };
  const context = makeContext(memory, program.type, packet);
  const { retval, insns, fault } = runnable.run({
    args: [memory.address(context.offset)],
    context: context.offset,
    budget: BUDGET,
    ...(context.packet ? { packet: context.packet } : {}),
  });
  const contents = maps.map((map) => entriesOf(map.name, map.entries()));
  context.free();
  runnable.dispose();
  for (const map of maps) map.free();
  machine.rcu.synchronize();
  const left = machine.liveObjects().length - before;
  const wrong = { ...(fault ? { fault: fault.kind } : {}), ...(left ? { leaked: left } : {}) };
  return Object.assign({ errno, insnsProcessed, retval, insns, ...wrong }, ...contents) as Observed;
}

/** Only ours count the instructions that run; builds of a release differ in how many their verifiers go through. */
const NOT_LIVE: ReadonlySet<string> = new Set(['insns', 'insnsProcessed']);

/** Runs programs on all engines; reuses its machines now and then. */
export class AllEngines {
  #machines: Machine[] = [];
  #uses = 0;
  /** Programs that all accepted. */
  accepted = 0;

  /** @param live - whether the running kernel takes part */
  constructor(
    private readonly profile: Profile,
    private readonly cpus: number,
    private readonly live: boolean,
  ) {}

  #observe(program: KernelProgram): Map<string, Observed> {
    if (this.#uses++ % PER_MACHINE === 0) {
      const { cpus, profile } = this;
      this.#machines = ENGINE_NAMES.map((engine) => createMachine({ cpus, profile, engine, memoryLimit: 32 << 20 }));
    }
    const verdict = (this.#machines[0] as Machine).verify(program);
    const ours = this.#machines.map((machine) => [machine.engine.name, onMachine(machine, program, verdict)] as const);
    return new Map<string, Observed>(this.live ? [...ours, ['live', onLive(program, this.cpus)]] : ours);
  }

  /** What is not the same, as `name: interp 1 | jit 1 | live 2`; empty when nothing is. */
  differences(random: RandomProgram): string[] {
    const observed = this.#observe(caseProgram(programCase(random), this.profile.btf));
    const all = [...observed];
    if (all.every(([, { errno }]) => errno === 0)) this.accepted++;
    const names = new Set(all.flatMap(([, values]) => Object.keys(values)));
    const asked = (name: string) => all.filter(([engine]) => engine !== 'live' || !NOT_LIVE.has(name));
    return [...names]
      .filter((name) => new Set(asked(name).map(([, values]) => values[name])).size > 1)
      .map(
        (name) =>
          `${name}: ${asked(name)
            .map(([engine, values]) => `${engine} ${values[name] ?? 'nothing'}`)
            .join(' | ')}`,
      );
  }

  /** The program without the pieces, and the lines, that its difference does not need. */
  shrink(random: RandomProgram): RandomProgram {
    let smallest = random;
    const attempt = (pieces: RandomProgram['pieces']) => {
      const candidate = { ...smallest, pieces };
      if (this.#stillDiffers(candidate)) smallest = candidate;
    };
    for (let i = random.pieces.length - 1; i >= 0; i--) attempt(smallest.pieces.toSpliced(i, 1));
    for (const [i, { length }] of smallest.pieces.entries()) {
      for (let line = length - 1; line >= 0; line--) {
        attempt(smallest.pieces.map((piece, at) => (at === i ? piece.toSpliced(line, 1) : piece)));
      }
    }
    return smallest;
  }

  #stillDiffers(candidate: RandomProgram): boolean {
    try {
      return this.differences(candidate).length > 0;
    } catch (error) {
      // A label is gone that a jump names.
      if (error instanceof InputError) return false;
      throw error;
    }
  }
}
