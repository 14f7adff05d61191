import type { ReleaseFile } from './release.ts';

export default {
  release: '6.18',
  version: [6, 18, 15],
  btf: '6.18',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
