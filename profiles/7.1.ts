import type { ReleaseFile } from './release.ts';

export default {
  release: '7.1',
  version: [7, 1, 13],
  asked: '7.1.13',
  btf: '7.2',
  features: {
    sleep_context_named: {
      part: 'verifier',
      summary:
        'A call that may sleep where it must not is refused with the name of the context, a held lock among them.',
      evidence: 'measured',
      source: '7.0.13 and 7.1.13',
    },
    fixed_offset_in_var_off: {
      part: 'verifier',
      summary:
        'The fixed offset of a pointer is part of its variable one, and a pointer before its object is named negative.',
      evidence: 'measured',
      source: '7.0.13 and 7.1.13 by their messages',
    },
    syscall_context_is_memory: {
      part: 'verifier',
      summary: 'The context of a syscall program may be passed as memory, at variable offsets; that of others may not.',
      evidence: 'measured',
      source: '7.0.13 and 7.1.13 by their messages',
    },
    kptr_xchg_under_lock: {
      part: 'verifier',
      summary: 'bpf_kptr_xchg() may be called under a bpf_spin_lock, on nodes seen under it too.',
      remedy: 'release the lock first',
      evidence: 'documented',
      source: '7.1.13 lists more types; do_check_insn()',
    },
    void_global_functions: {
      part: 'verifier',
      summary: 'Global functions may return void.',
      remedy: 'return an int',
      evidence: 'documented',
      source: '7.1.13 words the refusal of others so; btf_prepare_func_args()',
    },
  },
  words: {
    misaligned: {
      is: (what, varOff, _fixed, off, size) => `misaligned ${what}access off ${varOff}+${off} size ${size}`,
      evidence: 'measured',
      source: '7.0.13 and 7.1.13',
    },
    misalignedPacket: {
      is: (align, varOff, _fixed, off, size) => `misaligned packet access off ${align}+${varOff}+${off} size ${size}`,
      evidence: 'documented',
      source: 'check_pkt_ptr_alignment()',
    },
    globalReturns: {
      is: (name) => `Global function ${name}() return value not void or scalar. Only those are supported.`,
      evidence: 'measured',
      source: '7.0.13 and 7.1.13',
    },
  },
} as const satisfies ReleaseFile;
