import type { ReleaseFile } from './release.ts';

export default {
  release: '7.2',
  version: [7, 2, 12],
  btf: '7.2',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
