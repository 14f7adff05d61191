/** One program on the simulated and on the running kernel: verdict, return value, every map entry. */
import { LiveObject } from '../../../src/engine/live.ts';
import { reasonOf, statisticsOf } from '../../../src/engine/live_log.ts';
import { InputError } from '../../../src/errors.ts';
import { createMap, LocalTypes } from '../../../src/kernel/bpf/maps/index.ts';
import type { Profile } from '../../../src/kernel/profile.ts';
import type { KernelProgram } from '../../../src/kernel/program.ts';
import type { MapSpec } from '../../../src/loader/spec.ts';
import { contextPointers, makeContext } from '../../../src/machine/context.ts';
import type { Machine } from '../../../src/machine/machine.ts';
import { createMachine } from '../../../src/platform/create_machine.ts';
import { toHex } from '../../../src/report/table.ts';
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
  const { insnsProcessed } = statisticsOf(verdict.log);
  if (!run) return { errno: verdict.errno, message: reasonOf(verdict.log), insnsProcessed };
  const { retval } = run.testRun(program.type === 'syscall' ? {} : { data: PACKET });
  const maps = program.maps.map((spec: MapSpec) => entriesOf(spec.name, live.entries(spec) ?? []));
  return Object.assign({ errno: 0, insnsProcessed, retval }, ...maps) as Observed;
}

function onMachine(machine: Machine, program: KernelProgram): Observed {
  const { errno, message, stats, fixups } = machine.verify(program);
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
    probes: fixups.probes,
    reached: fixups.reached,
    context: contextPointers(program.type),
    sleepable: program.type === 'syscall',
  });
  const packet = program.type === 'syscall' ? {} : { data: PACKET };
  const context = makeContext(memory, program.type, packet);
  const { retval, fault } = runnable.run({
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
  return Object.assign({ errno, insnsProcessed, retval, ...wrong }, ...contents) as Observed;
}

/** Runs programs on both; reuses its machine now and then. */
export class BothKernels {
  #machine: Machine | null = null;
  #uses = 0;
  /** Programs that both accepted. */
  accepted = 0;

  constructor(
    private readonly profile: Profile,
    private readonly cpus: number,
  ) {}

  /** What is not the same, as `name: simulated | live`; empty when nothing is. */
  differences(random: RandomProgram): string[] {
    const program = caseProgram(programCase(random), this.profile.btf);
    if (!this.#machine || this.#uses++ % PER_MACHINE === 0) {
      this.#machine = createMachine({ cpus: this.cpus, profile: this.profile, memoryLimit: 32 << 20 });
    }
    const ours = onMachine(this.#machine, program);
    const theirs = onLive(program, this.cpus);
    if (ours.errno === 0 && theirs.errno === 0) this.accepted++;
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    return [...names]
      .filter((name) => ours[name] !== theirs[name])
      .map((name) => `${name}: ${ours[name] ?? 'nothing'} | ${theirs[name] ?? 'nothing'}`);
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
