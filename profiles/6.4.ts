import type { ReleaseFile } from './release.ts';

export default {
  release: '6.4',
  version: [6, 4, 16],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
