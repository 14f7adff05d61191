/** Dynptrs in stack slots: made, overwritten, released (mark_stack_slots_dynptr and friends). */
import {
  ARG_PTR_TO_DYNPTR,
  CONST_PTR_TO_DYNPTR,
  DYNPTR_TYPE_FLAG_MASK,
  DYNPTR_TYPE_LOCAL,
  DYNPTR_TYPE_RINGBUF,
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_SKB_META,
  DYNPTR_TYPE_XDP,
  PTR_MAYBE_NULL,
  PTR_TO_MEM,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { type FuncState, STACK_DYNPTR, STACK_INVALID } from './func_state.ts';
import { msg } from './messages.ts';
import { acquireReference, markRegInvalid, releaseReference } from './refs.ts';
import {
  BPF_DYNPTR_TYPE_INVALID,
  BPF_DYNPTR_TYPE_LOCAL,
  BPF_DYNPTR_TYPE_RINGBUF,
  BPF_DYNPTR_TYPE_SKB,
  BPF_DYNPTR_TYPE_SKB_META,
  BPF_DYNPTR_TYPE_XDP,
  type RegState,
} from './reg_state.ts';
import { frameOf, SPI_RANGE, slotObjSpi } from './slots.ts';
import { forEachReg } from './verifier_state.ts';

/** Slots that a struct bpf_dynptr takes. */
export const BPF_DYNPTR_NR_SLOTS = 2;

/** Flag of an argument or memory type <-> enum bpf_dynptr_type, and the name in messages. */
const DYNPTR_TYPES: readonly (readonly [flag: number, type: number, name: string])[] = [
  [DYNPTR_TYPE_LOCAL, BPF_DYNPTR_TYPE_LOCAL, 'local'],
  [DYNPTR_TYPE_RINGBUF, BPF_DYNPTR_TYPE_RINGBUF, 'ringbuf'],
  [DYNPTR_TYPE_SKB, BPF_DYNPTR_TYPE_SKB, 'skb'],
  [DYNPTR_TYPE_XDP, BPF_DYNPTR_TYPE_XDP, 'xdp'],
  [DYNPTR_TYPE_SKB_META, BPF_DYNPTR_TYPE_SKB_META, 'skb_meta'],
];

/** arg_to_dynptr_type */
export function argToDynptrType(argType: number): number {
  const flag = argType & DYNPTR_TYPE_FLAG_MASK;
  return DYNPTR_TYPES.find((row) => row[0] === flag)?.[1] ?? BPF_DYNPTR_TYPE_INVALID;
}

/** get_dynptr_type_flag */
export function dynptrTypeFlag(type: number): number {
  return DYNPTR_TYPES.find((row) => row[1] === type)?.[0] ?? 0;
}

/** dynptr_type_str */
export function dynptrTypeStr(type: number): string {
  return (
    DYNPTR_TYPES.find((row) => row[1] === type)?.[2] ?? (type === BPF_DYNPTR_TYPE_INVALID ? '<invalid>' : '<unknown>')
  );
}

/** dynptr_type_refcounted */
export function dynptrTypeRefcounted(type: number): boolean {
  return type === BPF_DYNPTR_TYPE_RINGBUF;
}

/** dynptr_get_spi: slot of the dynptr's first half, or SPI_INVALID or SPI_RANGE. */
export function dynptrSpi(env: Env, reg: RegState): number {
  return slotObjSpi(env, reg, 'dynptr', BPF_DYNPTR_NR_SLOTS);
}

/** __mark_dynptr_reg */
function markDynptrReg(reg: RegState, type: number, firstSlot: boolean, id: number): void {
  reg.markPointer(CONST_PTR_TO_DYNPTR);
  // The first half gives the id that slices refer to.
  reg.id = id;
  reg.dynptrType = type;
  reg.dynptrFirstSlot = firstSlot;
}

/** mark_dynptr_cb_reg: the dynptr that a callback gets. */
export function markDynptrCbReg(env: Env, reg: RegState, type: number): void {
  markDynptrReg(reg, type, true, ++env.idGen);
}

/**
 * mark_stack_slots_dynptr: the memory that `reg` points to becomes a dynptr. `cloneRefObjId`: reference shared with the dynptr
 * it is cloned from; 0: its own.
 */
export function markStackSlotsDynptr(
  env: Env,
  reg: RegState,
  argType: number,
  insnIdx: number,
  cloneRefObjId: number,
): void {
  const frame = frameOf(env, reg);
  const spi = dynptrSpi(env, reg);
  if (spi < 0) env.reject(spi === SPI_RANGE ? errno.ERANGE : errno.EINVAL);
  destroyIfDynptrStackSlot(env, frame, spi);
  destroyIfDynptrStackSlot(env, frame, spi - 1);
  const first = frame.slot(spi);
  const second = frame.slot(spi - 1);
  first.setAll(STACK_DYNPTR);
  second.setAll(STACK_DYNPTR);
  const type = argToDynptrType(argType);
  if (type === BPF_DYNPTR_TYPE_INVALID) env.reject(errno.EINVAL);
  const id = ++env.idGen;
  markDynptrReg(first.spilled, type, true, id);
  markDynptrReg(second.spilled, type, false, id);
  if (dynptrTypeRefcounted(type)) {
    const ref = cloneRefObjId || acquireReference(env, insnIdx);
    first.spilled.refObjId = ref;
    second.spilled.refObjId = ref;
  }
  env.liveness.markWrite(frame.frameno, spi);
  env.liveness.markWrite(frame.frameno, spi - 1);
}

/** invalidate_dynptr */
function invalidateDynptr(env: Env, frame: FuncState, spi: number): void {
  for (const i of [spi, spi - 1]) {
    const slot = frame.slot(i);
    slot.setAll(STACK_INVALID);
    slot.spilled.markNotInit();
    env.liveness.markWrite(frame.frameno, i);
  }
}

/** unmark_stack_slots_dynptr: released, with its clones and the slices taken from it. */
export function unmarkStackSlotsDynptr(env: Env, reg: RegState): void {
  const frame = frameOf(env, reg);
  const spi = dynptrSpi(env, reg);
  if (spi < 0) env.reject(spi === SPI_RANGE ? errno.ERANGE : errno.EINVAL);
  const { dynptrType, refObjId } = frame.slot(spi).spilled;
  if (!dynptrTypeRefcounted(dynptrType)) {
    invalidateDynptr(env, frame, spi);
    return;
  }
  releaseReference(env, refObjId);
  for (let i = 1; i < frame.stack.length; i++) {
    const slot = frame.slot(i);
    if (slot.spilled.refObjId !== refObjId) continue;
    if (slot.slotType(0) === STACK_DYNPTR && slot.spilled.dynptrFirstSlot) invalidateDynptr(env, frame, i);
  }
}

/** destroy_if_dynptr_stack_slot: a write to part of a dynptr ends it; one that holds a reference may not be overwritten. */
export function destroyIfDynptrStackSlot(env: Env, frame: FuncState, spiOfHalf: number): void {
  const half = frame.slot(spiOfHalf);
  if (half.slotType(0) !== STACK_DYNPTR) return;
  const spi = half.spilled.dynptrFirstSlot ? spiOfHalf : spiOfHalf + 1;
  const first = frame.slot(spi);
  if (dynptrTypeRefcounted(first.spilled.dynptrType)) env.reject(errno.EINVAL, msg.dynptrOverwrite());
  env.markStackSlotScratched(spi);
  env.markStackSlotScratched(spi - 1);
  const { id } = first.spilled;
  for (const i of [spi, spi - 1]) frame.slot(i).setAll(STACK_INVALID);
  forEachReg(env.curState, (reg) => {
    const slice = reg.type === PTR_TO_MEM || reg.type === (PTR_TO_MEM | PTR_MAYBE_NULL);
    if (slice && reg.dynptrId === id) markRegInvalid(env, reg);
  });
  for (const i of [spi, spi - 1]) {
    frame.slot(i).spilled.markNotInit();
    env.liveness.markWrite(frame.frameno, i);
  }
}

/** is_dynptr_reg_valid_uninit: may a dynptr be made there? */
export function isDynptrRegValidUninit(env: Env, reg: RegState): boolean {
  if (reg.type === CONST_PTR_TO_DYNPTR) return false;
  const spi = dynptrSpi(env, reg);
  return spi >= 0 || spi === SPI_RANGE;
}

/** is_dynptr_reg_valid_init: does it point to the start of one? */
export function isDynptrRegValidInit(env: Env, reg: RegState): boolean {
  if (reg.type === CONST_PTR_TO_DYNPTR) return true;
  const spi = dynptrSpi(env, reg);
  if (spi < 0) return false;
  const frame = frameOf(env, reg);
  if (!frame.slot(spi).spilled.dynptrFirstSlot) return false;
  for (let i = 0; i < 8; i++) {
    if (frame.slot(spi).slotType(i) !== STACK_DYNPTR || frame.slot(spi - 1).slotType(i) !== STACK_DYNPTR) return false;
  }
  return true;
}

/** is_dynptr_type_expected */
export function isDynptrTypeExpected(env: Env, reg: RegState, argType: number): boolean {
  if (argType === ARG_PTR_TO_DYNPTR) return true;
  const want = argToDynptrType(argType);
  if (reg.type === CONST_PTR_TO_DYNPTR) return reg.dynptrType === want;
  const spi = dynptrSpi(env, reg);
  return spi >= 0 && frameOf(env, reg).slot(spi).spilled.dynptrType === want;
}

/** State of the dynptr that `reg` points to: the stack slot of its first half, or the register itself. */
export function dynptrState(env: Env, reg: RegState): RegState | null {
  if (reg.type === CONST_PTR_TO_DYNPTR) return reg;
  const spi = dynptrSpi(env, reg);
  return spi < 0 ? null : frameOf(env, reg).slot(spi).spilled;
}

/** mark_dynptr_read */
export function markDynptrRead(env: Env, reg: RegState): void {
  if (reg.type === CONST_PTR_TO_DYNPTR) return;
  const spi = dynptrSpi(env, reg);
  if (spi < 0) env.reject(spi === SPI_RANGE ? errno.ERANGE : errno.EINVAL);
  for (const i of [spi, spi - 1]) {
    env.markStackSlotScratched(i);
    env.liveness.markRead(reg.frameno, env.insnIdx, i);
  }
}
