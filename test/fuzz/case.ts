/** One fuzz case: a mutated object through load, link and run on a small machine. */
import { InputError, NotSupported } from '../../src/errors.ts';
import type { Profile } from '../../src/kernel/profile.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Program } from '../../src/machine/run.ts';
import { verifierWasm } from '../../src/platform/node/platform.ts';
import { Random } from '../../src/random.ts';
import { collectRun } from '../../src/report/collect.ts';
import { formatRun, runToJson } from '../../src/report/run.ts';
import { type Mutation, mutations } from './mutate.ts';

/** How a case may end; anything that is thrown otherwise is a failure. */
export const OUTCOMES = ['bad input', 'not supported', 'rejected', 'fault', 'run'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface SeedObject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface FuzzWorld {
  readonly seeds: readonly SeedObject[];
  readonly profile: Profile;
  readonly wasm: WebAssembly.Module;
}

export interface FuzzCase {
  readonly number: number;
  readonly seed: SeedObject;
  readonly mutations: readonly Mutation[];
}

const MEMORY_LIMIT = 16 << 20;
const BUDGET = 100_000;
/** The kernel's million takes seconds a case. */
const COMPLEXITY_LIMIT = 20_000;

/** Case `number` of a run with that seed; the same every time. */
export function makeCase(world: FuzzWorld, runSeed: number, number: number): FuzzCase {
  const random = new Random(Math.imul(runSeed, 0x10001) ^ Math.imul(number, 0x85ebca6b));
  const seed = random.pick(world.seeds);
  const others = world.seeds.map(({ bytes }) => bytes);
  return { number, seed, mutations: mutations(random, seed.bytes, others) };
}

export function bytesOf({ seed, mutations: steps }: Pick<FuzzCase, 'seed' | 'mutations'>): Uint8Array {
  return steps.reduce((bytes, step) => step.apply(bytes), seed.bytes);
}

/** Loads and runs an object; throws only what is a bug of ours. */
export function runObject(world: FuzzWorld, bytes: Uint8Array, name: string): Outcome {
  const { profile, wasm } = world;
  try {
    const machine = new Machine({
      cpus: 2,
      profile,
      wasm,
      verifierWasm,
      memoryLimit: MEMORY_LIMIT,
      complexityLimit: COMPLEXITY_LIMIT,
    });
    const object = machine.load(bytes, { name });
    let worst: Outcome = 'run';
    for (const program of object.programs) {
      const outcome = runProgram(machine, program);
      if (OUTCOMES.indexOf(outcome) < OUTCOMES.indexOf(worst)) worst = outcome;
    }
    return worst;
  } catch (error) {
    return expected(error);
  }
}

function runProgram(machine: Machine, program: Program): Outcome {
  try {
    if (program.reject || program.verdict?.verdict === 'reject') return 'rejected';
    const run = program.run({ budget: BUDGET });
    const report = collectRun(
      machine,
      program,
      { last: run, times: 1, insns: run.insns, durationNs: run.durationNs, stopped: null },
      { cpu: 0, firstWarning: 0, reader: 'json' },
    );
    formatRun(report, (_style, text) => text);
    JSON.stringify(runToJson(report), (_key, value) => (typeof value === 'bigint' ? `${value}` : value));
    return run.fault ? 'fault' : 'run';
  } catch (error) {
    return expected(error);
  }
}

function expected(error: unknown): Outcome {
  if (error instanceof InputError) return 'bad input';
  if (error instanceof NotSupported) return 'not supported';
  throw error;
}
