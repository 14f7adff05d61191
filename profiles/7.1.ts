import type { ReleaseFile } from './release.ts';

export default {
  release: '7.1',
  version: [7, 1, 13],
  btf: '7.2',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
