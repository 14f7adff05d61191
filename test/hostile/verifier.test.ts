import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shapes } from './shapes.ts';

interface Outcome {
  readonly errno: number;
  readonly says: string;
  readonly processed: number;
  readonly peakMiB: number;
}

/** Verifies a shape in a child whose heap is bounded. */
function hostile(shape: string): Outcome {
  const args = ['--max-old-space-size=512', 'scripts/run.mjs', 'test/hostile/verifier_child.ts', shape];
  return JSON.parse(execFileSync('node', args, { encoding: 'utf8', timeout: 110_000 }));
}

/** What a live 6.18.44 says, but for the shape that is not supported: errno, last words, instructions processed. */
const EXPECTED: Readonly<Record<string, readonly [errno: number, says: string, processed: number]>> = {
  'a million instructions': [0, '', 1_000_000],
  'a million numbers': [0, '', 1_000_000],
  'a million spills': [12, '', 524_289],
  'half a million ld_imm64': [0, '', 500_001],
  'half a million map addresses': [0, '', 500_001],
  'states that double': [7, 'BPF program is too large. Processed 1000001 insn', 1_000_001],
  '8,193 pending jumps': [14, 'The sequence of 8193 jumps is too complex.', 8195],
  '300,000 branches': [0, '', 600_005],
  '257 functions': [7, 'too many subprograms', 0],
  'calls 255 deep': [7, 'the call stack of 9 frames is too deep', 8],
  '200 calls of half a million instructions': [
    -1,
    'not supported yet: so many chains of calls to functions of so many instructions',
    0,
  ],
  '4,096 maps': [7, 'The total number of maps per program has reached the limit of 64', 0],
  'a typedef of itself': [0, '', 6],
  'qualifiers in a circle': [0, '', 6],
  'a struct inside itself': [0, '', 6],
  'arrays of arrays beyond all numbers': [0, '', 6],
  '50,000 structs, one inside the other': [0, '', 6],
  'a struct of 65,535 members': [0, '', 6],
  '100,000 functions in BTF': [0, '', 6],
};

it('has an answer for every shape', () => {
  expect(Object.keys(EXPECTED)).toEqual(Object.keys(shapes));
});

it.each(Object.entries(EXPECTED))(
  '%s',
  (shape, [errno, says, processed]) => {
    const result = hostile(shape);
    expect(result).toMatchObject({ errno, says, processed });
    expect(result.peakMiB).toBeLessThan(400);
  },
  120_000,
);
