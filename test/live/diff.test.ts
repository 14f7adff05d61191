import { describe, expect, it } from 'vitest';
import { liveKernel } from '../../src/platform/node/live_kernel.ts';
import { byLaterRule, diffEverything } from './diff_corpus.ts';

const { missing } = liveKernel();

describe.skipIf(missing)(`diff${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('is clean on every example and every accepted program of the corpus', { timeout: 300_000 }, () => {
    let ran = 0;
    for (const { object, diffs } of diffEverything()) {
      for (const diff of diffs) {
        if (byLaterRule(diff)) continue;
        const { program, differences, ran: wasRun } = diff;
        expect({ object, program, differences }).toEqual({ object, program, differences: [] });
        if (wasRun) ran++;
      }
    }
    expect(ran).toBeGreaterThan(140);
  });
});
