import type { ReleaseFile } from './release.ts';

export default {
  release: '7.3',
  version: [7, 3, 4],
  btf: '7.2',
  features: {},
  words: {
    notKnownConstant: {
      is: (regno) => `R${regno} is not a const`,
      evidence: 'measured',
      source: '7.2.12 and 7.3.4',
    },
  },
} as const satisfies ReleaseFile;
