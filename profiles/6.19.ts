import type { ReleaseFile } from './release.ts';

export default {
  release: '6.19',
  version: [6, 19, 14],
  asked: '6.19.14',
  btf: '6.18',
  features: {
    nested_rcu_read_lock: {
      part: 'verifier',
      summary: 'RCU read locks nest.',
      remedy: 'take bpf_rcu_read_lock() once',
      evidence: 'measured',
      source: '6.18.15 and 6.19.14 on rcu_nested',
    },
    jumps_too_complex_e2big: {
      part: 'verifier',
      summary: 'Too many pending branches are E2BIG; before, EFAULT or ENOMEM.',
      evidence: 'measured',
      source: '6.18.15 and 6.19.14 on caps_loops.bounded_loop',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
