import type { ReleaseFile } from './release.ts';

export default {
  release: '6.6',
  version: [6, 6, 100],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
