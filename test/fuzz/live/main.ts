/**
 * Op streams on the running kernel and on the simulated one until stopped: npm run fuzz:live -- [--seed N] [--count N]
 * [--ops N] [--engine api|interp]. A difference is shrunk to a minimal stream and ends the run with status 1.
 */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { parseArgs } from 'node:util';
import { callOf } from '../../../src/engine/calls.ts';
import { type GoldenOp, type GoldenStream, replayStream, type VectorEngine } from '../../../src/engine/golden.ts';
import { createApiVectorEngine } from '../../../src/engine/golden_api.ts';
import { createProgramVectorEngine } from '../../../src/engine/golden_engine.ts';
import { generateStream, PROFILES, type ProfileName } from '../../../src/engine/golden_generate.ts';
import { Interpreter } from '../../../src/engine/interp.ts';
import { createLiveVectorEngine } from '../../../src/engine/live_golden.ts';
import { NotSupported } from '../../../src/errors.ts';
import { readAsset } from '../../../src/platform/node/assets.ts';
import { getAffinity, possibleCpus, setAffinity } from '../../../src/platform/node/sched_affinity.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '100000' },
    ops: { type: 'string', default: '50' },
    engine: { type: 'string', default: 'api' },
  },
});

const wasm = readAsset('dist/kernel.wasm');
const simulated: VectorEngine =
  values.engine === 'interp'
    ? createProgramVectorEngine(wasm, (memory) => new Interpreter(memory, callOf))
    : createApiVectorEngine(wasm);

function fuzz(): number {
  setAffinity([getAffinity().first ?? 0]);
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
  const first = Number(values.seed);
  const count = Number(values.count);
  for (let seed = first; seed < first + count; seed++) {
    const profile = profiles[seed % profiles.length] ?? 'uniform';
    let stream = streamOf(`${profile}-${seed}`, generateStream(profile, seed, Number(values.ops), live.facts));
    let mismatch = differs(stream);
    if (mismatch) {
      for (let i = stream.ops.length - 1; i >= 0; i--) {
        const smaller = streamOf(stream.id, stream.ops.toSpliced(i, 1));
        const found = differs(smaller);
        if (found) [stream, mismatch] = [smaller, found];
      }
      console.log(`seed ${seed}: ${JSON.stringify(mismatch)}\n${JSON.stringify(stream)}`);
      return 1;
    }
    const done = seed - first + 1;
    if (done % 1000 === 0 && process.stderr.isTTY) process.stderr.write(`\r${done} of ${count} streams`);
  }
  console.log(`${count} streams of ${values.ops} operations, no difference`);
  return 0;
}

try {
  process.exitCode = fuzz();
} catch (error) {
  if (!(error instanceof NotSupported)) throw error;
  console.log(`not run: ${error.message}`);
}
