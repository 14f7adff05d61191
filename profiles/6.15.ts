import type { ReleaseFile } from './release.ts';

export default {
  release: '6.15',
  version: [6, 15, 11],
  btf: '6.18',
  features: {
    sleepable_global_functions: {
      part: 'verifier',
      summary:
        'A global function is refused where it must not sleep only if it may; before, whenever preemption is off.',
      remedy: 'use a static function',
      evidence: 'documented',
      source: 'check_func_call()',
    },
    load_acquire: {
      part: 'verifier',
      summary: 'Atomic loads with acquire and stores with release semantics.',
      remedy: 'use other atomics',
      evidence: 'documented',
      source: 'check_atomic()',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
