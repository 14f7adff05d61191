/** Pointer arithmetic (adjust_ptr_min_max_vals). */
import { NotSupported } from '../errors.ts';
import type { Env, Insn } from './env.ts';
import type { RegState } from './types.ts';

/** regs[insn.dst] = ptr op scalar; both operands may be the destination itself. */
export function adjustPtrMinMaxVals(_env: Env, _insn: Insn, _ptr: RegState, _off: RegState): void {
  throw new NotSupported('verifying pointer arithmetic');
}
