/** Objects that live in stack slots: where they lie (stack_slot_obj_get_spi). */
import type { Env } from './env.ts';
import type { FuncState } from './func_state.ts';
import { BPF_REG_SIZE } from './limits.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { isConst } from './regs.ts';

/** Why there is no slot: the offset is wrong (said in the log), or lies outside the allocated stack. */
export const SPI_INVALID = -1;
export const SPI_RANGE = -2;

/** func(): the frame that a stack pointer points into. */
export function frameOf(env: Env, reg: RegState): FuncState {
  return env.curState.frame[reg.frameno] as FuncState;
}

/** Slot of the first 8 bytes of an object of `slots` slots that `reg` points to; or SPI_INVALID or SPI_RANGE. */
export function slotObjSpi(env: Env, reg: RegState, kind: string, slots: number): number {
  if (!isConst(reg)) {
    env.verbose(`${msg.slotConstant(kind)}\n`);
    return SPI_INVALID;
  }
  const off = reg.off + range.valueF(reg.val);
  const spi = Math.trunc((-off - 1) / BPF_REG_SIZE);
  if (off % BPF_REG_SIZE || spi + 1 < slots) {
    env.verbose(`${msg.slotOffset(kind, off)}\n`);
    return SPI_INVALID;
  }
  const allocated = frameOf(env, reg).stack.length;
  return spi - slots + 1 >= 0 && spi < allocated ? spi : SPI_RANGE;
}
