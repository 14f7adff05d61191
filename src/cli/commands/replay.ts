/** `replay VECTORS.jsonl...`: golden vectors of real kernels, executed and compared. */

import { release } from 'node:os';
import { type Command, Option } from 'commander';
import { callOf } from '../../engine/calls.ts';
import { createEngine } from '../../engine/engines.ts';
import {
  type GoldenMismatch,
  type GoldenStream,
  parseGolden,
  replayStream,
  type VectorEngine,
} from '../../engine/golden.ts';
import { createApiVectorEngine } from '../../engine/golden_api.ts';
import { createProgramVectorEngine } from '../../engine/golden_engine.ts';
import { createLiveVectorEngine } from '../../engine/live_golden.ts';
import { EXIT, InputError } from '../../errors.ts';
import { readAsset } from '../../platform/node/assets.ts';
import { readPackedFile } from '../../platform/node/files.ts';
import { possibleCpus } from '../../platform/node/sched_affinity.ts';
import { choice } from '../options.ts';
import { note, print, printJson } from '../terminal.ts';

function throughPrograms(name: 'interp' | 'jit'): VectorEngine {
  return createProgramVectorEngine(readAsset('dist/kernel.wasm'), (memory) => createEngine(name, memory, callOf));
}

/** One row an engine. */
const ENGINES = {
  api: (): VectorEngine => createApiVectorEngine(readAsset('dist/kernel.wasm')),
  interp: () => throughPrograms('interp'),
  jit: () => throughPrograms('jit'),
  live: (): VectorEngine => createLiveVectorEngine(readAsset('dist/live_golden.bpf.o'), release(), possibleCpus()),
} as const;

type EngineName = keyof typeof ENGINES;

interface Flags {
  readonly engine: EngineName;
  readonly json?: boolean;
}

/** A check that checked nothing must not look as if it had passed. */
function streamsOf(path: string): readonly GoldenStream[] {
  const streams = parseGolden(Buffer.from(readPackedFile(path)).toString('utf8'), path);
  if (streams.length === 0) throw new InputError(path, '', 'has no vectors: one stream a line is wanted');
  return streams;
}

function describe({ stream, index, op, have, want }: GoldenMismatch): string {
  const [name, ...args] = op;
  return `${stream}: operation ${index}, ${name}(${args.join(', ')}): gave ${JSON.stringify(have)}, the kernel ${JSON.stringify(want)}`;
}

export function define(command: Command, done: (status: number) => void): void {
  command
    .description('Execute golden vectors, streams of operations with what a real kernel answered, and compare.')
    .addHelpText('after', '\n`bpf-cpumask capture` records such vectors on a running kernel.')
    .argument('<vectors...>', 'files of golden vectors, one stream a line; also as .br or .gz')
    .addOption(
      new Option('--engine <name>', 'what executes them: api, interp, jit or live')
        .default('api')
        .argParser(choice('--engine', Object.keys(ENGINES) as EngineName[])),
    )
    .option('--json', 'one JSON object a stream, then the totals')
    .action((files: readonly string[], { engine: name, json }: Flags) => {
      const engine = ENGINES[name]();
      let passed = 0;
      let failed = 0;
      for (const file of files) {
        for (const stream of streamsOf(file)) {
          const { ops, mismatch } = replayStream(engine, stream);
          if (mismatch) failed++;
          else passed++;
          if (json) printJson({ stream: stream.id, ops, passed: mismatch === null, mismatch });
          else if (mismatch) print(describe(mismatch));
        }
      }
      if (json) printJson({ passed, failed });
      (json ? note : print)(`${passed} passed, ${failed} failed`);
      done(failed ? EXIT.failed : EXIT.ok);
    });
}
