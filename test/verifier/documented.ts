/**
 * Cases that the kernel at hand cannot be asked about, since it is another release or was built or booted without something: what would
 * be said is known from the kernel's source alone. cases.test.ts holds our verifier against `says`.
 */
import type { Btf } from '../../src/btf/btf.ts';
import type { Release } from '../../src/kernel/bpf/rows.ts';
import { loadProfile, type Profile } from '../../src/kernel/profile.ts';
import { matrixProfile } from '../matrix/compare.ts';
import { corpusProfile } from '../verdicts/corpus.ts';
import type { VerifierCase } from './case.ts';
import { madeUpCases } from './made_up.ts';
import { releaseWordCases } from './release_words.ts';

export interface DocumentedCase extends VerifierCase {
  /** Errno and message, as in expected.json. */
  readonly says: string;
  /** Function of kernel/bpf that has the message. */
  readonly source: string;
  /** Of another release than 6.18. */
  readonly release?: Release;
  /** Of a kernel with other types. */
  readonly kernel?: () => Btf;
}

const leave = 'r0 = 0; exit';
const fentry = { type: 'tracing', attach: 'trace_fentry' } as const;
const lsm = { type: 'lsm', attach: 'lsm_mac' } as const;
const setRetval = `r1 = 0; call bpf_set_retval; r0 = 1; exit`;

const profiles = new Map<Release, Profile>();

/** The kernel that a case is for. */
export function documentedProfile({ release, kernel }: DocumentedCase): Profile {
  const btf = kernel?.();
  if (btf) return loadProfile({ release: '6.18', readBtf: () => btf });
  if (!release) return corpusProfile();
  const known = profiles.get(release) ?? matrixProfile(release);
  profiles.set(release, known);
  return known;
}

/** A policy of the kernel at hand refuses fentry, fexit, fmod_ret and LSM programs before its verifier runs. */
const policyCases: readonly DocumentedCase[] = [
  {
    name: 'documented: fentry of a function that must not be traced',
    ...fentry,
    to: 'migrate_disable',
    asm: leave,
    says: "EINVAL Attaching tracing programs to function 'migrate_disable' is rejected.",
    source: 'check_attach_btf_id',
  },
  {
    name: 'documented: fexit of a function that does not return',
    type: 'tracing',
    attach: 'trace_fexit',
    to: 'do_exit',
    asm: leave,
    says: "EINVAL Attaching fexit/fmod_ret to __noreturn function 'do_exit' is rejected.",
    source: 'check_attach_btf_id',
  },
  {
    name: 'documented: fmod_ret of a function that nobody may change',
    type: 'tracing',
    attach: 'modify_return',
    to: 'do_exit',
    asm: leave,
    says: 'EINVAL do_exit() is not modifiable',
    source: 'check_attach_modify_return',
  },
  {
    name: 'documented: fentry of a function with variable arguments',
    ...fentry,
    to: 'SEQ_printf',
    asm: leave,
    says: 'EINVAL The function SEQ_printf with variable args is unsupported.',
    source: 'btf_distill_func_proto',
  },
  {
    name: 'documented: fentry of a function that returns a struct',
    ...fentry,
    to: 'ZSTD_cParam_getBounds',
    asm: leave,
    says: 'EINVAL The function ZSTD_cParam_getBounds return type STRUCT is unsupported.',
    source: 'btf_distill_func_proto',
  },
  {
    name: 'documented: fentry of a function that takes a large struct',
    ...fentry,
    to: 'ZSTD_CCtx_setCParams',
    asm: leave,
    says: 'EINVAL The function ZSTD_CCtx_setCParams arg1 type STRUCT is unsupported.',
    source: 'btf_distill_func_proto',
  },
  {
    name: 'documented: fentry of a function with 13 arguments',
    ...fentry,
    to: '__clk_hw_register_divider',
    asm: leave,
    says: 'EINVAL The function __clk_hw_register_divider has 13 arguments. Too many.',
    source: 'btf_distill_func_proto',
  },
  {
    name: 'documented: fentry of a function with an empty argument',
    ...fentry,
    to: '__io_run_local_work',
    asm: leave,
    says: 'EINVAL The function __io_run_local_work has malformed void argument 1.',
    source: 'btf_distill_func_proto',
  },
  {
    name: 'documented: extension of the kernel',
    type: 'ext',
    to: 'bpf_iter_task',
    asm: leave,
    says: 'EINVAL Cannot replace kernel functions',
    source: 'check_attach_btf_id',
  },
  {
    name: 'documented: LSM program without GPL',
    ...lsm,
    to: 'bpf_lsm_file_ioctl',
    license: 'X',
    asm: leave,
    says: 'EINVAL LSM programs must have a GPL compatible license',
    source: 'bpf_lsm_verify_prog',
  },
  {
    name: 'documented: LSM program of another function',
    ...lsm,
    to: 'do_exit',
    asm: leave,
    says: 'EINVAL attach_btf_id ID points to wrong type name do_exit',
    source: 'bpf_lsm_verify_prog',
  },
  {
    name: 'documented: sleeping LSM program of a hook that must not sleep',
    ...lsm,
    to: 'bpf_lsm_task_free',
    sleepable: true,
    asm: leave,
    says: 'EINVAL bpf_lsm_task_free is not sleepable',
    source: 'check_attach_btf_id',
  },
  {
    name: 'documented: LSM program of a disabled hook',
    ...lsm,
    to: 'bpf_lsm_getprocattr',
    asm: leave,
    says: 'EINVAL attach_btf_id ID points to disabled hook bpf_lsm_getprocattr',
    source: 'bpf_lsm_verify_prog',
  },
  {
    name: 'documented: return value of a hook that has none',
    type: 'lsm',
    attach: 'lsm_cgroup',
    to: 'bpf_lsm_bpf_map_free',
    asm: setRetval,
    says: "EINVAL BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!",
    source: 'check_helper_call',
  },
  {
    name: 'documented: return of 0 at a hook that has no return value',
    type: 'lsm',
    attach: 'lsm_cgroup',
    to: 'bpf_lsm_bpf_map_free',
    asm: leave,
    says: "EINVAL Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!",
    source: 'check_return_code',
  },
  {
    name: 'documented: struct_ops map in a program',
    maps: { s: { type: 'struct_ops' } },
    asm: `r1 = map(s); ${leave}`,
    says: 'EINVAL bpf_struct_ops map cannot be used in prog',
    source: 'check_map_prog_compatibility',
  },
  {
    name: 'documented: untrusted key to a kfunc that asks for no trust',
    type: 'tracing',
    attach: 'trace_iter',
    to: 'bpf_iter_task',
    sleepable: true,
    maps: { m: {} },
    asm: `r1 = map_value(m, 0); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem; r1 = 0; r2 = btf_id(bpf_key);
      call bpf_rdonly_cast; r3 = r0; r1 = r10; r1 += -16; r2 = r1; call bpf_verify_pkcs7_signature; ${leave}`,
    says: 'EINVAL arg#2 is untrusted_ptr_ expected ptr_ or socket',
    source: 'process_kf_arg_ptr_to_btf_id',
  },
];

export const documentedCases: readonly DocumentedCase[] = [...policyCases, ...madeUpCases, ...releaseWordCases];
