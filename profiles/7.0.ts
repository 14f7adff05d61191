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
    deleted_hash_values_freed: {
      part: 'machine',
      summary:
        'A kptr that is put into a deleted element of a hash map without preallocation is released with the memory of the element.',
      remedy:
        'do not put kptrs into elements that may be deleted meanwhile: keep them in an array, or look the element up again',
      evidence: 'documented',
      source: 'htab_mem_dtor()',
    },
    deleted_storage_freed: {
      part: 'machine',
      summary: 'A kptr that is put into a deleted value of a task storage is released after the grace period.',
      remedy: 'put nothing into a storage that may be deleted meanwhile',
      evidence: 'documented',
      source: 'bpf_selem_free()',
    },
  },
  words: {},
} as const satisfies ReleaseFile;
