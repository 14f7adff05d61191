/** Open-coded iterators in stack slots (mark_stack_slots_iter and friends). */
import type { Btf } from '../btf/btf.ts';
import { MEM_RCU, PTR_TO_STACK, PTR_UNTRUSTED } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { inRcuCs } from './context.ts';
import type { Env } from './env.ts';
import { STACK_INVALID, STACK_ITER } from './func_state.ts';
import { acquireReference, releaseReference } from './refs.ts';
import { BPF_ITER_STATE_ACTIVE, type RegState } from './reg_state.ts';
import { frameOf, SPI_RANGE, slotObjSpi } from './slots.ts';

/** iter_get_spi: slot of the iterator's first 8 bytes, or SPI_INVALID or SPI_RANGE. */
export function iterSpi(env: Env, reg: RegState, slots: number): number {
  return slotObjSpi(env, reg, 'iter', slots);
}

/** mark_stack_slots_iter: the memory that `reg` points to becomes an active iterator, which has to be destroyed. */
export function markStackSlotsIter(
  env: Env,
  reg: RegState,
  insnIdx: number,
  btf: Btf,
  btfId: number,
  slots: number,
  rcuProtected: boolean,
): void {
  const frame = frameOf(env, reg);
  const spi = iterSpi(env, reg, slots);
  if (spi < 0) env.reject(spi === SPI_RANGE ? errno.ERANGE : errno.EINVAL);
  const id = acquireReference(env, insnIdx);
  for (let i = 0; i < slots; i++) {
    const slot = frame.slot(spi - i);
    const st = slot.spilled;
    // There is no register type of its own.
    st.markPointer(PTR_TO_STACK);
    if (rcuProtected) st.type |= inRcuCs(env) ? MEM_RCU : PTR_UNTRUSTED;
    st.refObjId = i === 0 ? id : 0;
    st.btf = btf;
    st.btfId = btfId;
    st.iterState = BPF_ITER_STATE_ACTIVE;
    st.iterDepth = 0;
    slot.setAll(STACK_ITER);
    env.liveness.markWrite(frame.frameno, spi - i);
    env.markStackSlotScratched(spi - i);
  }
}

/** unmark_stack_slots_iter: destroyed. */
export function unmarkStackSlotsIter(env: Env, reg: RegState, slots: number): void {
  const frame = frameOf(env, reg);
  const spi = iterSpi(env, reg, slots);
  if (spi < 0) env.reject(spi === SPI_RANGE ? errno.ERANGE : errno.EINVAL);
  for (let i = 0; i < slots; i++) {
    const slot = frame.slot(spi - i);
    if (i === 0) releaseReference(env, slot.spilled.refObjId);
    slot.spilled.markNotInit();
    slot.setAll(STACK_INVALID);
    env.liveness.markWrite(frame.frameno, spi - i);
    env.markStackSlotScratched(spi - i);
  }
}

/** is_iter_reg_valid_uninit */
export function isIterRegValidUninit(env: Env, reg: RegState, slots: number): boolean {
  const spi = iterSpi(env, reg, slots);
  if (spi === SPI_RANGE) return true;
  if (spi < 0) return false;
  const frame = frameOf(env, reg);
  for (let i = 0; i < slots; i++) {
    for (let j = 0; j < 8; j++) if (frame.slot(spi - i).slotType(j) === STACK_ITER) return false;
  }
  return true;
}

/** is_iter_reg_valid_init: 'ok', 'invalid' (-EINVAL), or 'rcu' (-EPROTO: the RCU section it was made in has ended). */
export function iterRegValidInit(
  env: Env,
  reg: RegState,
  btf: Btf,
  btfId: number,
  slots: number,
): 'ok' | 'invalid' | 'rcu' {
  const spi = iterSpi(env, reg, slots);
  if (spi < 0) return 'invalid';
  const frame = frameOf(env, reg);
  for (let i = 0; i < slots; i++) {
    const slot = frame.slot(spi - i);
    const st = slot.spilled;
    if (st.type & PTR_UNTRUSTED) return 'rcu';
    if ((i === 0) !== (st.refObjId !== 0)) return 'invalid';
    if (st.btf !== btf || st.btfId !== btfId) return 'invalid';
    for (let j = 0; j < 8; j++) if (slot.slotType(j) !== STACK_ITER) return 'invalid';
  }
  return 'ok';
}

/** mark_iter_read */
export function markIterRead(env: Env, reg: RegState, spi: number, slots: number): void {
  for (let i = 0; i < slots; i++) {
    env.markStackSlotScratched(spi - i);
    env.liveness.markRead(reg.frameno, env.insnIdx, spi - i);
  }
}
