import type { ReleaseFile } from './release.ts';

export default {
  release: '7.3',
  version: [7, 3, 4],
  btf: '7.2',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
