import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Verifies a shape in a child whose heap is bounded. */
function hostile(shape: string): { errno: number; log: string[]; peakMiB: number } {
  const args = ['--max-old-space-size=512', 'scripts/run.mjs', 'test/hostile/verifier_child.ts', shape];
  return JSON.parse(execFileSync('node', args, { encoding: 'utf8', timeout: 110_000 }));
}

const processed = (insns: number) => expect.stringMatching(new RegExp(`^processed ${insns} insns \\(limit 1000000\\)`));

it.each([
  ['a million instructions', 0, 1_000_000, 300],
  ['states that double', 7, 1_000_001, 256],
])(
  '%s: errno %i after %i instructions, below %i MiB',
  (shape, errno, insns, limit) => {
    const result = hostile(shape);
    expect(result).toMatchObject({ errno, log: expect.arrayContaining([processed(insns)]) });
    expect(result.peakMiB).toBeLessThan(limit);
  },
  120_000,
);
