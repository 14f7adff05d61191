import type { ReleaseFile } from './release.ts';

export default {
  release: '6.18',
  version: [6, 18, 15],
  asked: '6.18.15',
  btf: '6.18',
  features: {
    async_callback_own_context: {
      part: 'verifier',
      summary: 'A callback of a timer is an RCU section also where the program that set it may sleep.',
      remedy: 'hold bpf_rcu_read_lock() in the callback',
      evidence: 'measured',
      source: '6.17.13 and 6.18.15 on loop_timer_wq.timer_reads_mask',
    },
  },
  backports: {
    deleted_hash_values_freed: { evidence: 'measured', source: '6.18.44 by the references of the mask' },
    deleted_storage_freed: { evidence: 'measured', source: '6.18.44 by the references of the mask' },
  },
  words: {},
} as const satisfies ReleaseFile;
