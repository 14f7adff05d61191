/** What LSM hooks may return (bpf_lsm_get_retval_range). */
import type { BtfFuncProto } from '../btf/btf.ts';
import type { Env } from './env.ts';

export interface RetvalRange {
  readonly min: number;
  readonly max: number;
}

const MAX_ERRNO = 4095;
/** Hooks that return a truth value. */
const BOOL_HOOKS = new Set(['bpf_lsm_audit_rule_known', 'bpf_lsm_inode_xattr_skipcap']);

/** get_func_retval_range: of the hook that an LSM program attaches to; null: anything, or not an LSM program. */
export function funcRetvalRange(env: Env): RetvalRange | null {
  if (env.progType !== 'lsm' || env.prog.attachType !== 'lsm_mac' || !env.attachFuncProtoId) return null;
  const proto = env.vmlinux.type(env.attachFuncProtoId) as BtfFuncProto;
  if (proto.type === 0) return null;
  return BOOL_HOOKS.has(env.attachFuncName) ? { min: 0, max: 1 } : { min: -MAX_ERRNO, max: 0 };
}
