import type { ReleaseFile } from './release.ts';

export default {
  release: '6.17',
  version: [6, 17, 13],
  asked: '6.17.13',
  btf: '6.18',
  features: {
    untrusted_arg_tag: {
      part: 'verifier',
      summary: 'Arguments of global functions may be tagged __arg_untrusted.',
      remedy: 'use bpf_rdonly_cast() in the function',
      evidence: 'documented',
      source: 'btf_prepare_func_args()',
    },
    rdonly_cast_to_void: {
      part: 'verifier',
      summary: 'bpf_rdonly_cast(p, 0) gives memory of any size to read.',
      remedy: 'cast to a struct',
      evidence: 'measured',
      source: '6.16.12 and 6.17.13',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
