import type { ReleaseFile } from './release.ts';

export default {
  release: '6.15',
  version: [6, 15, 11],
  btf: '6.18',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
