import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { callOf } from '../../src/engine/calls.ts';
import { createEngine, ENGINE_NAMES } from '../../src/engine/engines.ts';
import { type GoldenStream, parseGolden, replayStream, type VectorEngine } from '../../src/engine/golden.ts';
import { createApiVectorEngine } from '../../src/engine/golden_api.ts';
import { createProgramVectorEngine } from '../../src/engine/golden_engine.ts';
import { readAsset } from '../../src/platform/node/assets.ts';

const TAGS = ['live618', 'deb612', 'deb618', 'small612', 'small72'];

const streamsOf = (tag: string): readonly GoldenStream[] =>
  parseGolden(brotliDecompressSync(readFileSync(`test/data/golden/${tag}.jsonl.br`)).toString(), tag);

/** One row an engine. */
const ENGINES: readonly (readonly [string, () => VectorEngine])[] = [
  ['api', () => createApiVectorEngine(readAsset('dist/kernel.wasm'))],
  ...ENGINE_NAMES.map((name): readonly [string, () => VectorEngine] => [
    name,
    () => createProgramVectorEngine(readAsset('dist/kernel.wasm'), (memory) => createEngine(name, memory, callOf)),
  ]),
];

describe.each(ENGINES)('golden vectors through %s', (_name, create) => {
  it.each(TAGS)('all of %s match', (tag) => {
    const engine = create();
    const streams = streamsOf(tag);
    expect(streams.length).toBeGreaterThan(40);
    for (const stream of streams) expect(replayStream(engine, stream).mismatch).toBeNull();
  });
});

it('a result that differs is found', () => {
  const engine = createApiVectorEngine(readAsset('dist/kernel.wasm'));
  const [stream] = streamsOf('live618');
  if (!stream) throw new Error('no streams');
  const index = stream.ops.findIndex(([name]) => name === 'weight');
  const results = stream.results.map((result, i) => (i === index ? 77 : result));
  expect(replayStream(engine, { ...stream, results }).mismatch).toMatchObject({ index, want: 77 });
});
