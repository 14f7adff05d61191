/** Saved interrupt flags in stack slots (mark_stack_slot_irq_flag and friends, process_irq_flag). */
import { PTR_TO_STACK } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_DW } from '../uapi/insn.ts';
import { checkMemAccess } from './check_mem.ts';
import { BPF_WRITE } from './check_region.ts';
import type { Env } from './env.ts';
import { STACK_INVALID, STACK_IRQ_FLAG, type StackSlot } from './func_state.ts';
import { msg } from './messages.ts';
import { acquireIrqState, releaseIrqState } from './refs.ts';
import type { RegState } from './reg_state.ts';
import { frameOf, SPI_RANGE, slotObjSpi } from './slots.ts';

/** RegState.irqKfuncClass: saved by bpf_local_irq_save, or by a resilient lock. */
export const IRQ_NATIVE_KFUNC = 0;
export const IRQ_LOCK_KFUNC = 1;

function irqSpi(env: Env, reg: RegState): number {
  return slotObjSpi(env, reg, 'irq_flag', 1);
}

function holdsFlag(slot: StackSlot): boolean {
  for (let i = 0; i < 8; i++) if (slot.slotType(i) !== STACK_IRQ_FLAG) return false;
  return true;
}

function hasFlag(slot: StackSlot): boolean {
  for (let i = 0; i < 8; i++) if (slot.slotType(i) === STACK_IRQ_FLAG) return true;
  return false;
}

/** process_irq_flag: the register points to where flags are saved (`save`), or restored from. */
export function processIrqFlag(env: Env, regno: number, save: boolean, kfuncClass: number): void {
  const reg = env.curRegs()[regno] as RegState;
  const spi = irqSpi(env, reg);
  if (save) {
    const free = spi === SPI_RANGE || (spi >= 0 && !hasFlag(frameOf(env, reg).slot(spi)));
    if (!free) env.reject(errno.EINVAL, msg.irqNotUninit(regno - 1));
    checkMemAccess(env, env.insnIdx, regno, 0, BPF_DW, BPF_WRITE, -1, false, false);
    markStackSlotIrqFlag(env, reg, kfuncClass);
    return;
  }
  const slot = spi < 0 ? null : frameOf(env, reg).slot(spi);
  if (!slot?.spilled.refObjId || !holdsFlag(slot)) env.reject(errno.EINVAL, msg.irqNotInit(regno - 1));
  env.markStackSlotScratched(spi);
  env.liveness.markRead(reg.frameno, env.insnIdx, spi);
  unmarkStackSlotIrqFlag(env, reg, spi, slot, kfuncClass);
}

function markStackSlotIrqFlag(env: Env, reg: RegState, kfuncClass: number): void {
  const frame = frameOf(env, reg);
  const spi = irqSpi(env, reg);
  if (spi < 0) env.reject(errno.EINVAL);
  const slot = frame.slot(spi);
  const state = slot.spilled;
  const id = acquireIrqState(env, env.insnIdx);
  state.markPointer(PTR_TO_STACK);
  state.refObjId = id;
  state.irqKfuncClass = kfuncClass;
  slot.setAll(STACK_IRQ_FLAG);
  env.liveness.markWrite(frame.frameno, spi);
  env.markStackSlotScratched(spi);
}

function unmarkStackSlotIrqFlag(env: Env, reg: RegState, spi: number, slot: StackSlot, kfuncClass: number): void {
  const { spilled } = slot;
  if (spilled.irqKfuncClass !== kfuncClass) {
    env.reject(errno.EINVAL, msg.irqClass(className(spilled.irqKfuncClass), className(kfuncClass)));
  }
  const state = env.curState;
  if (!releaseIrqState(state, spilled.refObjId)) {
    const innermost = state.refs.find((ref) => ref.id === state.activeIrqId);
    env.reject(errno.EACCES, msg.irqOrder(state.activeIrqId, innermost?.insnIdx ?? 0));
  }
  spilled.markNotInit();
  slot.setAll(STACK_INVALID);
  env.liveness.markWrite(reg.frameno, spi);
  env.markStackSlotScratched(spi);
}

function className(kfuncClass: number): string {
  return kfuncClass === IRQ_NATIVE_KFUNC ? 'native' : 'lock';
}
