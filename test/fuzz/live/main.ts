/**
 * Op streams, then programs, on the running kernel and on the simulated one:
 * npm run fuzz:live -- [--seed N] [--count STREAMS] [--programs N] [--ops N] [--engine api|interp|jit] [--shard I/N]
 * [--only-simulated] [--json].
 * A difference is shrunk to a minimal case, printed, and ends the run with status 1. Needs root and a kernel with BTF.
 */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { oneOf, parseOptions, runScript, wholeNumber } from '../../../scripts/script.ts';
import { callOf } from '../../../src/engine/calls.ts';
import { createEngine } from '../../../src/engine/engines.ts';
import { type GoldenOp, type GoldenStream, replayStream, type VectorEngine } from '../../../src/engine/golden.ts';
import { createApiVectorEngine } from '../../../src/engine/golden_api.ts';
import { createProgramVectorEngine } from '../../../src/engine/golden_engine.ts';
import { generateStream, PROFILES, type ProfileName } from '../../../src/engine/golden_generate.ts';
import { createLiveVectorEngine } from '../../../src/engine/live_golden.ts';
import { nearestRelease } from '../../../src/engine/live_session.ts';
import { readAsset } from '../../../src/platform/node/assets.ts';
import { VMLINUX_BTF } from '../../../src/platform/node/live_kernel.ts';
import { openProfile } from '../../../src/platform/node/profile.ts';
import { getAffinity, possibleCpus, setAffinity } from '../../../src/platform/node/sched_affinity.ts';
import { parseShard, type Shard } from '../../../src/report/shards.ts';
import { type FuzzResult, runOptions } from '../result.ts';
import { seedsOf } from '../shard.ts';
import { programCase, randomProgram } from './programs.ts';
import { AllEngines } from './run_all.ts';

interface Job {
  readonly first: number;
  readonly count: number;
  readonly shard: Shard;
  readonly say: Say;
}

const USAGE = `npm run fuzz:live -- [--seed N] [--count STREAMS] [--programs N] [--ops N] [--engine api|interp|jit] [--shard I/N] [--json]
npm run fuzz:jit -- [--seed N] [--programs N] [--shard I/N] [--json]
  100,000 streams of 50 operations and 20,000 programs where nothing is said; fuzz:jit needs no live kernel, and runs no streams`;

const options = () =>
  parseOptions({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '100000' },
      programs: { type: 'string', default: '20000' },
      ops: { type: 'string', default: '50' },
      engine: { type: 'string', default: 'api' },
      shard: { type: 'string', default: '0/1' },
      'only-simulated': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  }).values;
type Say = (text: string) => void;
const counts: Record<string, number> = {};
const failures: string[] = [];

const ENGINES: Readonly<Record<string, (wasm: Uint8Array<ArrayBuffer>) => VectorEngine>> = {
  api: createApiVectorEngine,
  interp: (wasm) => createProgramVectorEngine(wasm, (memory) => createEngine('interp', memory, callOf)),
  jit: (wasm) => createProgramVectorEngine(wasm, (memory) => createEngine('jit', memory, callOf)),
};

function progress(done: number, what: string): void {
  if (done % 100 === 0 && process.stderr.isTTY) process.stderr.write(`\r${done} ${what}`);
}

/** Tells whether every stream gave the same. */
function fuzzStreams({ first, count, shard, say }: Job, simulated: VectorEngine, length: number): boolean {
  using live = createLiveVectorEngine(
    new Uint8Array(readFileSync(new URL('dist/live_golden.bpf.o', PACKAGE_ROOT))),
    release(),
    possibleCpus(),
  );
  const { kernel, nrCpuIds, nrCpus } = live.facts;
  const profiles = Object.keys(PROFILES) as ProfileName[];
  const streamOf = (id: string, ops: readonly GoldenOp[]): GoldenStream => {
    const stream = { id, kernel, nrCpuIds, nrCpus, ops, results: [] };
    return { ...stream, results: live.execute(stream) };
  };
  const differs = (stream: GoldenStream) => replayStream(simulated, stream).mismatch;
  let done = 0;
  for (const seed of seedsOf(first, count, shard)) {
    const profile = profiles[seed % profiles.length] ?? 'uniform';
    let stream = streamOf(`${profile}-${seed}`, generateStream(profile, seed, length, live.facts));
    let mismatch = differs(stream);
    if (mismatch) {
      for (let i = stream.ops.length - 1; i >= 0; i--) {
        const smaller = streamOf(stream.id, stream.ops.toSpliced(i, 1));
        const found = differs(smaller);
        if (found) [stream, mismatch] = [smaller, found];
      }
      failures.push(`stream, seed ${seed}: ${JSON.stringify(mismatch)}`);
      say(`${failures.at(-1)}\n${JSON.stringify(stream)}`);
      return false;
    }
    progress(++done, 'streams');
    counts.streams = done;
  }
  say(`${done} streams of ${length} operations, no difference`);
  return true;
}

/** Tells whether every program did the same. */
function fuzzPrograms({ first, count, shard, say }: Job, simulated: boolean): boolean {
  const profile = simulated ? openProfile('6.18') : openProfile(nearestRelease(release()), { btf: VMLINUX_BTF });
  const sizes = { nrCpuIds: simulated ? 130 : possibleCpus(), nrCpus: profile.nrCpus };
  const all = new AllEngines(profile, sizes.nrCpuIds, !simulated);
  let done = 0;
  for (const seed of seedsOf(first, count, shard)) {
    const program = randomProgram(seed, sizes);
    if (all.differences(program).length) {
      const smallest = all.shrink(program);
      const found = all.differences(smallest);
      failures.push(`program, seed ${seed}: ${found.join('; ')}`);
      say(`program, seed ${seed}, by engine:\n  ${found.join('\n  ')}\n${programCase(smallest).asm}`);
      return false;
    }
    progress(++done, 'programs');
    counts.programs = done;
    counts.accepted = all.accepted;
  }
  say(`${done} programs, ${all.accepted} of them accepted and run, no difference`);
  return true;
}

function fuzz(values: ReturnType<typeof options>, say: Say): boolean {
  const create = ENGINES[oneOf('--engine', values.engine, Object.keys(ENGINES))] as (typeof ENGINES)[string];
  const job = { first: wholeNumber('seed', values.seed), shard: parseShard(values.shard), say };
  const [streams, programs] = [wholeNumber('count', values.count), wholeNumber('programs', values.programs)];
  const length = wholeNumber('ops', values.ops);
  if (values['only-simulated']) return fuzzPrograms({ ...job, count: programs }, true);
  // The distribute state is per CPU: everything runs on one.
  setAffinity([getAffinity().first ?? 0]);
  const simulated = create(readAsset('dist/kernel.wasm'));
  return fuzzStreams({ ...job, count: streams }, simulated, length) && fuzzPrograms({ ...job, count: programs }, false);
}

await runScript(USAGE, () => {
  const values = options();
  const same = fuzz(values, values.json ? console.error : console.log);
  const name = values['only-simulated'] ? 'engines' : 'live';
  const result: FuzzResult = {
    fuzz: name,
    options: runOptions(values),
    shard: values.shard,
    counts,
    most: {},
    failures,
  };
  if (values.json) console.log(JSON.stringify(result));
  return same ? 0 : 1;
});
