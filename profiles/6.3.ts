import type { ReleaseFile } from './release.ts';

export default {
  release: '6.3',
  version: [6, 3, 13],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
