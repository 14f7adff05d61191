import type { ReleaseFile } from './release.ts';

export default {
  release: '6.11',
  version: [6, 11, 11],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
