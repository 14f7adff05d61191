import type { ReleaseFile } from './release.ts';

export default {
  release: '6.14',
  version: [6, 14, 11],
  btf: '6.12',
  features: {
    iterators_under_lock: {
      part: 'verifier',
      summary: 'bpf_iter_num_* may be called under a lock.',
      remedy: 'take the lock inside the loop',
      evidence: 'documented',
      source: 'kfunc_spin_allowed()',
    },
    constant_key_lookup: {
      part: 'verifier',
      summary: 'A lookup in an array with a constant key in range cannot fail and needs no NULL check.',
      remedy: 'check the result of the lookup for NULL',
      evidence: 'measured',
      source: '6.12.117 and 6.16.12',
    },
    helper_access_typed: {
      part: 'verifier',
      summary: 'The stack that a call reads is checked as read, and what it writes as written.',
      evidence: 'measured',
      source: '6.12.117 and 6.16.12 by their messages',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
