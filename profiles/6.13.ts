import type { ReleaseFile } from './release.ts';

export default {
  release: '6.13',
  version: [6, 13, 12],
  btf: '6.12',
  features: {
    references_of_the_state: {
      part: 'verifier',
      summary:
        'References belong to the path, not to the frame: a callback may release those of its caller, and an exit names what it would leave behind.',
      evidence: 'measured',
      source: '6.12.117 and 6.16.12',
    },
    private_stack: {
      part: 'verifier',
      summary:
        'Tracing programs may have a private stack for frames of 64 bytes and more, which do not count together.',
      remedy: 'use less than 512 bytes of stack over all frames',
      evidence: 'measured',
      source: '6.12.117 refuses sub_stack_sum.frames_big_tp, 6.16.12 accepts',
    },
  },
  words: {
    leaksReference: {
      was: (what) =>
        what.startsWith('BPF_LD')
          ? `${what} cannot be mixed with socket references`
          : `${what} would lead to reference leak`,
      evidence: 'documented',
      source: 'check_ld_abs()',
    },
  },
} as const satisfies ReleaseFile;
