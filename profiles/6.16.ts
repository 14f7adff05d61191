import type { ReleaseFile } from './release.ts';

export default {
  release: '6.16',
  version: [6, 16, 12],
  asked: '6.16.12',
  btf: '6.18',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
