/** What a comparison with NULL makes of pointers (mark_ptr_or_null_regs). */
import {
  baseType,
  CONST_PTR_TO_MAP,
  MEM_ALLOC,
  MEM_RCU,
  NON_OWN_REF,
  PTR_MAYBE_NULL,
  PTR_TO_MAP_VALUE,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_TRUSTED,
  SCALAR_VALUE,
  typeFlag,
} from '../kernel/bpf/bpf.ts';
import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK, BPF_TASK_WORK, BPF_TIMER, BPF_WORKQUEUE } from '../kernel/bpf/btf_record.ts';
import type { Env } from './env.ts';
import { regBtfRecord } from './locks.ts';
import { RANGE_ZERO } from './range.ts';
import { releaseReferenceNomark } from './refs.ts';
import type { RegState } from './reg_state.ts';
import { typeHasUnsafeModifiers, typeIsNonOwningRef, typeIsPtrAllocObj, typeMayBeNull } from './regs.ts';
import { forEachReg, type VerifierState } from './verifier_state.ts';

/** Types that stand for a trusted BTF pointer (reg2btf_ids). */
const TRUSTED_TYPES: ReadonlySet<number> = new Set([
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK,
  CONST_PTR_TO_MAP,
]);

/** is_trusted_reg */
export function isTrustedReg(reg: RegState): boolean {
  if (reg.refObjId) return true;
  if (TRUSTED_TYPES.has(baseType(reg.type)) && !typeHasUnsafeModifiers(reg.type)) return true;
  return (typeFlag(reg.type) & (MEM_ALLOC | PTR_TRUSTED | NON_OWN_REF)) !== 0 && !typeHasUnsafeModifiers(reg.type);
}

/** mark_ptr_not_null_reg: a value of a map of maps becomes the inner map, one of a sockmap its socket. */
export function markPtrNotNullReg(reg: RegState): void {
  const { map } = reg;
  if (baseType(reg.type) !== PTR_TO_MAP_VALUE || !map) {
    reg.type &= ~PTR_MAYBE_NULL;
  } else if (map.inner) {
    reg.type = CONST_PTR_TO_MAP;
    reg.map = map.inner;
    // Timers and workqueues of different inner maps must not be mixed up.
    const mask = map.inner.record?.fieldMask ?? 0;
    if (mask & (BPF_TIMER | BPF_WORKQUEUE | BPF_TASK_WORK)) reg.mapUid = reg.id;
  } else if (map.type === 'xskmap') {
    reg.type = PTR_TO_XDP_SOCK;
  } else if (map.type === 'sockmap' || map.type === 'sockhash') {
    reg.type = PTR_TO_SOCKET;
  } else {
    reg.type = PTR_TO_MAP_VALUE;
  }
}

/** reg_may_point_to_spin_lock */
function mayPointToSpinLock(env: Env, reg: RegState): boolean {
  const mask = regBtfRecord(env, reg)?.fieldMask ?? 0;
  return (mask & (BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) !== 0;
}

/** mark_ptr_or_null_regs: every register that came from the same lookup as `regno` is NULL, or is not. */
export function markPtrOrNullRegs(env: Env, state: VerifierState, regno: number, isNull: boolean): void {
  const { refObjId, id } = state.func().reg(regno);
  // Nobody can have released what nobody has got.
  if (refObjId && refObjId === id && isNull) releaseReferenceNomark(env, id, state);
  forEachReg(state, (reg) => {
    if (!typeMayBeNull(reg.type) || reg.id !== id || !(reg.id || reg.type & MEM_RCU)) return;
    if (reg.val !== RANGE_ZERO) return;
    if (reg.off && !typeIsPtrAllocObj(reg.type) && !typeIsNonOwningRef(reg.type)) return;
    if (isNull) {
      reg.type = SCALAR_VALUE;
      reg.id = 0;
      reg.refObjId = 0;
      return;
    }
    markPtrNotNullReg(reg);
    if (!mayPointToSpinLock(env, reg)) reg.id = 0;
  });
}
