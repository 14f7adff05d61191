import type { ReleaseFile } from './release.ts';

export default {
  release: '6.5',
  version: [6, 5, 13],
  asked: '6.5.0-45-ubuntu',
  btf: '6.12',
  features: {},
  words: {},
} as const satisfies ReleaseFile;
