import type { ReleaseFile } from './release.ts';

export default {
  release: '6.14',
  version: [6, 14, 11],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
