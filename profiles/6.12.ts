import type { ReleaseFile } from './release.ts';

export default {
  release: '6.12',
  version: [6, 12, 117],
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
