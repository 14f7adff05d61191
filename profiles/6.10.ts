import type { ReleaseFile } from './release.ts';

export default {
  release: '6.10',
  version: [6, 10, 14],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
