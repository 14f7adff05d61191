import type { ReleaseFile } from './release.ts';

export default {
  release: '6.17',
  version: [6, 17, 13],
  btf: '6.18',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
