import type { ReleaseFile } from './release.ts';

export default {
  release: '7.0',
  version: [7, 0, 13],
  asked: '7.0.13',
  btf: '7.2',
  features: {
    trusted_args_default: {
      part: 'verifier',
      summary: 'Arguments of every kfunc have to be trusted, unless it takes RCU pointers.',
      remedy: 'take the reference out of the map with bpf_kptr_xchg()',
      evidence: 'measured',
      source: '6.19.14 and 7.0.13 on kptr_load_rcu.acquire_under_rcu',
    },
    kfuncs_return_trusted: {
      part: 'verifier',
      summary: 'Pointers to structs that kfuncs return are trusted.',
      evidence: 'measured',
      source: '6.19.14 and 7.0.13 by their messages, and on gen_ringbuf.mask_output',
    },
    distribute_searches_nr_cpus: {
      part: 'machine',
      summary:
        'bpf_cpumask_any_distribute() looks at the bits below NR_CPUS where that is at most 64; before, below nr_cpu_ids.',
      evidence: 'measured',
      source: 'golden vectors of 6.12.117 and 7.2.12 with NR_CPUS 48',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
