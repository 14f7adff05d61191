/** Calls of helpers (check_helper_call). */
import { NotSupported } from '../errors.ts';
import type { Env, Insn } from './env.ts';

/** Checks the call at env.insnIdx and leaves the state after it. */
export function checkHelperCall(_env: Env, insn: Insn): void {
  throw new NotSupported(`verifying helper ${insn.imm}`);
}

/** bpf_helper_changes_pkt_data */
export function helperChangesPktData(_id: number): boolean {
  return false;
}

/** Registers that a bpf_fastcall helper or kfunc clobbers, as a bit mask, and whether it is inlined; null: no fastcall. */
export function fastcallInfo(_env: Env, _insn: Insn): { readonly clobbered: number; readonly inlined: boolean } | null {
  return null;
}

/** Helper or kfunc with a callback that runs during the call (bpf_loop, for_each, rbtree_add ...). */
export function isSyncCallbackCallingInsn(_env: Env, insn: Insn): boolean {
  return insn.code === 0x85 && insn.src === 0 && [164, 180, 181, 209].includes(insn.imm);
}

/** The same for callbacks that run later (timers, workqueues, task work). */
export function isAsyncCallbackCallingInsn(_env: Env, insn: Insn): boolean {
  return insn.code === 0x85 && insn.src === 0 && insn.imm === 170;
}

/** A helper, or kfunc with KF_SLEEPABLE, that may sleep (mark_subprog_might_sleep). */
export function callMightSleep(_env: Env, _insn: Insn): boolean {
  return false;
}
