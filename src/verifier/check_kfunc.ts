/** Calls of kfuncs (check_kfunc_call). */
import { NotSupported } from '../errors.ts';
import { kfuncName } from './call_info.ts';
import type { Env, Insn } from './env.ts';

/** kfunc_spin_allowed: may be called while a lock is held. */
export function kfuncSpinAllowed(_env: Env, _insn: Insn): boolean {
  return false;
}

/** Checks the call at env.insnIdx and leaves the state after it; does not move env.insnIdx. */
export function checkKfuncCall(env: Env, insn: Insn): void {
  throw new NotSupported(`verifying kfunc ${kfuncName(env, insn)}`);
}
