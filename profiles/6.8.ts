import type { ReleaseFile } from './release.ts';

export default {
  release: '6.8',
  version: [6, 8, 12],
  asked: '6.8.0-151-ubuntu',
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
