import type { ReleaseFile } from './release.ts';

export default {
  release: '6.19',
  version: [6, 19, 14],
  btf: '6.18',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
