import type { ReleaseFile } from './release.ts';

export default {
  release: '6.7',
  version: [6, 7, 12],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
