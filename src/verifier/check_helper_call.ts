/** Calls of helpers (check_helper_call). */
import { NotSupported } from '../errors.ts';
import type { Env, Insn } from './env.ts';

/** Checks the call at env.insnIdx and leaves the state after it; does not move env.insnIdx. */
export function checkHelperCall(_env: Env, insn: Insn): void {
  throw new NotSupported(`verifying helper ${insn.imm}`);
}
