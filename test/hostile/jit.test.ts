import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { jitShapes } from './jit_shapes.ts';

interface Outcome {
  readonly r0: number;
  readonly insns: number;
  readonly fault: string | null;
  /** Bytes of each module that was compiled. */
  readonly modules: readonly number[];
  readonly peakMiB: number;
}

/** Compiles and runs a shape in a child whose heap is bounded, and which has to end: engines go on optimising until then. */
function hostile(shape: string): Outcome {
  const args = ['--max-old-space-size=512', 'scripts/run.mjs', 'test/hostile/jit_child.ts', shape];
  return JSON.parse(execFileSync('node', args, { encoding: 'utf8', timeout: 110_000 }));
}

/** Whether it is compiled, or left to the interpreter; r0; instructions that run. */
const EXPECTED: Readonly<Record<string, readonly [by: 'jit' | 'interp', r0: number, insns: number]>> = {
  'a million instructions': ['jit', 999_997, 1_000_000],
  'a million numbers of 64 bits': ['jit', 0, 500_001],
  'a million instructions that take much code': ['interp', 0, 1_000_000],
  'a million branches forward': ['interp', 0, 1_000_000],
  'a million branches back': ['interp', 0, 1_000_000],
  '100,000 branches forward': ['jit', 0, 100_003],
  '100,000 loops': ['jit', 100_000, 200_003],
  'loops within loops, 16,000 deep': ['interp', 16_000, 32_003],
  'loops within loops, 250 deep': ['jit', 250, 503],
  '30,000 small loops with two entries': ['interp', 0, 90_003],
  'a loop with 15,000 entries': ['interp', 15_000, 45_003],
  'a loop with 200 entries': ['jit', 200, 604],
};

it('has an answer for every shape', () => {
  expect(Object.keys(EXPECTED)).toEqual(Object.keys(jitShapes));
});

it.each(Object.entries(EXPECTED))(
  '%s',
  (shape, [by, r0, insns]) => {
    const { modules, peakMiB, ...run } = hostile(shape);
    expect(run).toMatchObject({ r0, insns, fault: null });
    expect(modules).toHaveLength(by === 'jit' ? 1 : 0);
    expect(peakMiB).toBeLessThan(400);
  },
  120_000,
);
