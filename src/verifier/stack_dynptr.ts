/** What a write to part of a dynptr in the stack does (destroy_if_dynptr_stack_slot). */
import { PTR_MAYBE_NULL, PTR_TO_MEM } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { BPF_DYNPTR_TYPE_RINGBUF, type FuncState, forEachReg, STACK_DYNPTR, STACK_INVALID } from './types.ts';

/** Ends the dynptr that slot `half` belongs to, with the slices taken from it; one that holds a reference may not be. */
export function destroyIfDynptrStackSlot(env: Env, frame: FuncState, half: number): void {
  const slot = frame.slot(half);
  if (slot.slotType(0) !== STACK_DYNPTR) return;
  const spi = slot.spilled.dynptrFirstSlot ? half : half + 1;
  const { dynptrType, id } = frame.slot(spi).spilled;
  if (dynptrType === BPF_DYNPTR_TYPE_RINGBUF) {
    env.reject(errno.EINVAL, 'cannot overwrite referenced dynptr');
  }
  for (const i of [spi, spi - 1]) {
    env.markStackSlotScratched(i);
    frame.slot(i).setAll(STACK_INVALID);
  }
  forEachReg(env.curState, (reg) => {
    if ((reg.type === PTR_TO_MEM || reg.type === (PTR_TO_MEM | PTR_MAYBE_NULL)) && reg.dynptrId === id) {
      reg.markUnknown();
    }
  });
  for (const i of [spi, spi - 1]) {
    frame.slot(i).spilled.markNotInit();
    env.liveness.markWrite(frame.frameno, i);
  }
}
