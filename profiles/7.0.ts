import type { ReleaseFile } from './release.ts';

export default {
  release: '7.0',
  version: [7, 0, 13],
  btf: '7.2',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
