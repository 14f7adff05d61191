import type { ReleaseFile } from './release.ts';

export default {
  release: '6.12',
  version: [6, 12, 117],
  asked: '6.12.117',
  btf: '6.12',
  features: {
    trusted_args_with_offset: {
      part: 'verifier',
      summary: 'A pointer inside a trusted struct may be passed to a kfunc with trusted or RCU arguments.',
      remedy: 'read a pointer to the mask instead (task->cpus_ptr)',
      evidence: 'measured',
      source: '6.8.0 and 6.12.117 on a mask embedded in task_struct',
    },
  },
  backports: {
    jumps_too_complex_e2big: { evidence: 'measured', source: '6.12.117 on caps_loops.bounded_loop' },
    deleted_hash_values_freed: { evidence: 'documented', source: 'htab_mem_dtor() of 6.12.117' },
  },
  words: {
    dynptrNotInit: {
      was: (arg) => `Expected an initialized dynptr as arg #${arg + 1}`,
      evidence: 'measured',
      source: '6.8.0 and 6.12.117',
    },
    iterNotUninit: {
      was: (type, arg) => `expected uninitialized iter_${type} as arg #${arg + 1}`,
      evidence: 'measured',
      source: '6.8.0 and 6.12.117',
    },
    iterNotInit: {
      was: (type, arg) => `expected an initialized iter_${type} as arg #${arg + 1}`,
      evidence: 'measured',
      source: '6.8.0 and 6.12.117',
    },
  },
} as const satisfies ReleaseFile;
