import type { ReleaseFile } from './release.ts';

export default {
  release: '6.9',
  version: [6, 9, 12],
  btf: '6.12',
  features: {
    may_goto: {
      part: 'verifier',
      summary: 'The may_goto instruction bounds a loop by a counter of its own.',
      remedy: 'bound the loop with bpf_loop() or an iterator',
      evidence: 'measured',
      source: '6.8.0: unknown opcode e5; 6.12.117 accepts',
    },
    locks_across_subprogs: {
      part: 'verifier',
      summary:
        'A spin lock or RCU read lock may be taken in one function and released in another, and static functions may be called under a lock.',
      remedy: 'take and release the lock in the same function',
      evidence: 'measured',
      source: '6.8.0 refuses rcu_subprog.lock_in_one_unlock_in_other, 6.12.117 accepts',
    },
    frames_rounded_to_16: {
      part: 'verifier',
      summary: 'A frame counts for its size rounded up to 16 bytes in the depth of the stack; before, to 32.',
      remedy: 'use less stack',
      evidence: 'measured',
      source: '6.8.0 and 6.12.117 report 672 and 624 bytes of the same program',
    },
    trusted_arg_tags: {
      part: 'verifier',
      summary:
        'Arguments of global functions may be tagged __arg_trusted, __arg_nullable and __arg_arena; before, the tags say nothing.',
      evidence: 'measured',
      source: '6.8.0 and 6.12.117 on sub_global.kptr_to_trusted',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
