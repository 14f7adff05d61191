import type { ReleaseFile } from './release.ts';

export default {
  release: '6.6',
  version: [6, 6, 100],
  btf: '6.12',
  features: {
    sign_extending_loads: {
      part: 'verifier',
      summary: 'Instructions of cpu v4: sign-extending loads, swaps, signed division and jumps of 32 bits.',
      remedy: 'compile with -mcpu=v3',
      evidence: 'measured',
      source: '6.5.0 refuses them, 6.8.0 does not',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
