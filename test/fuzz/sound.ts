/**
 * Soundness: random programs that the verifier accepts never fault in the checking interpreter, whatever maps and packets hold.
 */
import type { RunOutcome } from '../../src/engine/engine.ts';
import { marksOf } from '../../src/engine/marks.ts';
import { NotSupported } from '../../src/errors.ts';
import { type BpfMap, createMap, LocalTypes } from '../../src/kernel/bpf/maps/index.ts';
import type { KernelProgram } from '../../src/kernel/program.ts';
import { contextPointers, makeContext } from '../../src/machine/context.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { createMachine } from '../../src/platform/create_machine.ts';
import { readAsset } from '../../src/platform/node/assets.ts';
import { Random } from '../../src/random.ts';
import { faultLines } from '../../src/report/fault.ts';
import { BPF_F_SLEEPABLE } from '../../src/uapi/bpf.ts';
import { formatInsn, Insns } from '../../src/uapi/insn.ts';
import type { Fixups } from '../../src/verifier/fixups.ts';
import { initRange, verify } from '../../src/verifier/index.ts';
import { caseProgram } from '../verifier/case.ts';
import { type FamilyName, familyNames, randomProgram } from './programs/families.ts';

/** Inputs that each accepted program gets. */
const INPUTS = 3;
/** may_goto runs for minutes where nothing else ends the loop: such runs are stopped, which is no fault. */
const BUDGET = 30_000;
/** Bytes of context that a syscall program gets at least; what looks at more gets what it looks at, as the kernel demands. */
const CONTEXT = 2048;
/** Failures after which it is enough. */
const MOST_FAILURES = 5;
/** Programs that share a machine. */
const PER_MACHINE = 500;

export interface SoundStats {
  readonly programs: number;
  readonly accepted: number;
  readonly runs: number;
  readonly instructions: number;
  /** Programs that cannot be run, by what is missing. */
  readonly notSupported: ReadonlyMap<string, number>;
  readonly failures: readonly { readonly seed: number; readonly text: string }[];
}

const bytes = (random: Random, length: number) => Uint8Array.from({ length }, () => random.below(256));

/** Random entries in the maps that programs may write; kptrs stay NULL, as user space cannot set them. */
function fill(map: BpfMap, random: Random): void {
  if (map.spec.section) return;
  for (let i = 0; i < 3; i++) {
    const key = new Uint8Array(map.keySize);
    key[0] = random.below(map.maxEntries + 1);
    map.update(key, bytes(random, map.valueSize));
  }
}

function listing(program: KernelProgram): string {
  const insns = new Insns(program.insns);
  return Array.from({ length: insns.length }, (_, i) => `${i}: ${formatInsn(insns, i)}`).join('\n');
}

function runOnce(machine: Machine, program: KernelProgram, fixups: Fixups, random: Random): RunOutcome {
  const { memory } = machine;
  const types = new LocalTypes(memory, program.btf, machine.profile.btf);
  const maps = program.maps.map((spec) => createMap(memory, spec, types));
  for (const map of maps) fill(map, random);
  const at = (index: number) => maps[index] as BpfMap;
  const runnable = machine.engine.load({
    id: 1,
    name: 'random',
    localTypes: types.localTypeTable(),
    sleepable: (program.flags & BPF_F_SLEEPABLE) !== 0,
    insns: program.insns,
    environment: {
      map: (index) => at(index).offset,
      mapValue: (index) => at(index).valueOffset(0),
      kfunc: (id) => machine.kfuncName(id),
      ksym: (id) => machine.kernelVariable(id),
    },
    ...marksOf(fixups),
    context: contextPointers(program.type),
  });
  const packets = ['sched_cls', 'xdp'].includes(program.type);
  const context = makeContext(memory, program.type, {
    ...(packets ? { data: bytes(random, 14 + random.below(60)) } : {}),
    ...(program.type === 'syscall' ? { ctx: bytes(random, Math.max(CONTEXT, fixups.ctxSize)) } : {}),
    ...(program.type === 'tracing' ? { words: [machine.current.address, BigInt(random.next())] } : {}),
  });
  try {
    return runnable.run({
      args: [memory.address(context.offset)],
      context: context.offset,
      budget: BUDGET,
      ...(context.packet ? { packet: context.packet } : {}),
    });
  } finally {
    context.free();
    runnable.dispose();
    for (const map of maps) map.free();
  }
}

/**
 * Tries the programs of these seeds, of all families in turn.
 * @param watch - called after each, with how many there were and how many the verifier accepted
 */
export function fuzzSoundness(
  seeds: Iterable<number>,
  watch: (programs: number, accepted: number) => void = () => undefined,
): SoundStats {
  initRange(readAsset('dist/verifier.wasm'));
  const notSupported = new Map<string, number>();
  const failures: { seed: number; text: string }[] = [];
  let [programs, accepted, runs, instructions] = [0, 0, 0, 0];
  let machine = createMachine({ cpus: 4, memoryLimit: 64 << 20 });
  const one = (seed: number) => {
    const family = familyNames[seed % familyNames.length] as FamilyName;
    const program = caseProgram(randomProgram(family, Math.floor(seed / familyNames.length)), machine.profile.btf);
    const { fixups } = verify(program, machine.profile, { logLevel: 0 });
    if (!fixups) return;
    accepted++;
    const random = new Random(seed ^ 0x5eed);
    for (let i = 0; i < INPUTS; i++) {
      const { fault, insns } = runOnce(machine, program, fixups, random);
      runs++;
      instructions += insns;
      if (!fault || fault.kind === 'budget') continue;
      const text = [...faultLines(fault, { program: () => 'random' }), listing(program)].join('\n');
      failures.push({ seed, text });
      break;
    }
  };
  for (const seed of seeds) {
    if (failures.length >= MOST_FAILURES) break;
    if (programs++ % PER_MACHINE === PER_MACHINE - 1) machine = createMachine({ cpus: 4, memoryLimit: 64 << 20 });
    try {
      one(seed);
    } catch (error) {
      if (!(error instanceof NotSupported)) {
        failures.push({ seed, text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
        continue;
      }
      notSupported.set(error.feature, (notSupported.get(error.feature) ?? 0) + 1);
    }
    watch(programs, accepted);
  }
  return { programs, accepted, runs, instructions, notSupported, failures };
}
