import type { ReleaseFile } from './release.ts';

export default {
  release: '6.9',
  version: [6, 9, 12],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
