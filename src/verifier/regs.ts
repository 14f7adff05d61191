/** Marking and reading registers (mark_reg_*, check_reg_arg and friends). */

import type { Btf } from '../btf/btf.ts';
import {
  baseType,
  MEM_ALLOC,
  MEM_RCU,
  NON_OWN_REF,
  NOT_INIT,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  SCALAR_VALUE,
  typeFlag,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { MAX_BPF_REG } from './limits.ts';
import { msg } from './messages.ts';
import { RANGE_ZERO, range } from './range.ts';
import { BPF_ADD_CONST, DEF_NOT_SUBREG, type RegState } from './reg_state.ts';

export const SRC_OP = 0;
export const DST_OP = 1;
export const DST_OP_NO_MARK = 2;

export const CALLER_SAVED_REGS = 6;

export function markRegUnknown(env: Env, regs: readonly RegState[], regno: number): void {
  (regs[regno] as RegState).markUnknown();
  (regs[regno] as RegState).precise = !env.bpfCapable;
}

export function markRegKnownZero(_env: Env, regs: readonly RegState[], regno: number): void {
  (regs[regno] as RegState).markKnownZero();
  // A pointer made from it starts at offset 0; frameno is set by whoever makes a stack pointer.
}

export function markRegNotInit(_env: Env, regs: readonly RegState[], regno: number): void {
  (regs[regno] as RegState).markNotInit();
}

/** Makes `regno` a PTR_TO_BTF_ID, or an unknown scalar where `regType` is SCALAR_VALUE (mark_btf_ld_reg). */
export function markBtfLdReg(
  env: Env,
  regs: readonly RegState[],
  regno: number,
  regType: number,
  btf: Btf,
  btfId: number,
  flag: number,
): void {
  if (regType === SCALAR_VALUE) {
    markRegUnknown(env, regs, regno);
    return;
  }
  markRegKnownZero(env, regs, regno);
  const reg = regs[regno] as RegState;
  reg.type = PTR_TO_BTF_ID | flag;
  reg.btf = btf;
  reg.btfId = btfId;
  if (flag & PTR_MAYBE_NULL) reg.id = ++env.idGen;
}

/** register_is_null: the scalar 0. */
export function registerIsNull(reg: RegState): boolean {
  return reg.type === SCALAR_VALUE && reg.val === RANGE_ZERO;
}

/** tnum_is_const(reg->var_off). */
export function isConst(reg: RegState): boolean {
  return range.isConst(reg.val) !== 0;
}

export function isPointerValue(allowPtrLeaks: boolean, reg: RegState): boolean {
  return !allowPtrLeaks && reg.type !== SCALAR_VALUE;
}

export function typeIsPktPointer(type: number): boolean {
  const base = baseType(type);
  return base === PTR_TO_PACKET || base === PTR_TO_PACKET_META;
}

export function regIsPktPointerAny(reg: RegState): boolean {
  return typeIsPktPointer(reg.type) || reg.type === PTR_TO_PACKET_END;
}

export function typeIsPtrAllocObj(type: number): boolean {
  return baseType(type) === PTR_TO_BTF_ID && (type & MEM_ALLOC) !== 0 && (type & PTR_UNTRUSTED) === 0;
}

export function typeIsNonOwningRef(type: number): boolean {
  return typeIsPtrAllocObj(type) && (type & NON_OWN_REF) !== 0;
}

/** bpf_type_has_unsafe_modifiers. */
export function typeHasUnsafeModifiers(type: number): boolean {
  return (typeFlag(type) & ~(MEM_ALLOC | PTR_TRUSTED | NON_OWN_REF)) !== 0;
}

export function isRcuReg(reg: RegState): boolean {
  return (reg.type & MEM_RCU) !== 0;
}

export function typeMayBeNull(type: number): boolean {
  return (type & PTR_MAYBE_NULL) !== 0;
}

/**
 * check_reg_arg: register `regno` is read (SRC_OP) or written. A written register becomes unknown unless DST_OP_NO_MARK.
 * Rejects reads of what was never written and writes to R10.
 */
export function checkRegArg(env: Env, regno: number, how: number, regs: readonly RegState[] = env.curRegs()): void {
  if (regno >= MAX_BPF_REG) env.reject(errno.EINVAL, msg.regInvalid(regno));
  const reg = regs[regno] as RegState;
  env.markRegScratched(regno);
  if (how === SRC_OP) {
    if (reg.type === NOT_INIT) env.reject(errno.EACCES, msg.notInit(regno));
    return;
  }
  if (regno === 10) env.reject(errno.EACCES, msg.frameReadOnly());
  reg.subregDef = DEF_NOT_SUBREG;
  if (how === DST_OP) markRegUnknown(env, regs, regno);
}

/** clear_scalar_id: the scalar is no longer linked to others. */
export function clearScalarId(reg: RegState): void {
  reg.id = 0;
  reg.off = 0;
}

/** assign_scalar_id_before_mov: source and destination of a move share what is learnt later. */
export function assignScalarIdBeforeMov(env: Env, src: RegState): void {
  if (src.type !== SCALAR_VALUE) return;
  if (src.id & BPF_ADD_CONST) clearScalarId(src);
  if (!src.id && !isConst(src)) src.id = ++env.idGen;
}

/** reg_bounds_sanity_check: contradicting bounds are reported in the log, and forgotten. */
export function boundsSanityCheck(env: Env, reg: RegState, where: string): void {
  const kind = range.isInsane(reg.val);
  if (!kind) return;
  const what = [
    '',
    'range bounds violation',
    'const tnum out of sync with range bounds',
    'const subreg tnum out of sync with range bounds',
  ];
  const hex = (value: bigint) => `0x${BigInt.asUintN(64, value).toString(16)}`;
  const hex32 = (value: number) => `0x${(value >>> 0).toString(16)}`;
  const h = reg.val;
  env.verbose(
    `verifier bug: REG INVARIANTS VIOLATION (${where}): ${what[kind]} u64=[${hex(range.umin(h))}, ${hex(range.umax(h))}] ` +
      `s64=[${hex(range.smin(h))}, ${hex(range.smax(h))}] u32=[${hex32(range.u32min(h))}, ${hex32(range.u32max(h))}] ` +
      `s32=[${hex32(range.s32min(h))}, ${hex32(range.s32max(h))}] var_off=(${hex(range.value(h))}, ${hex(range.mask(h))})\n`,
  );
  reg.val = range.unbound(h);
}
