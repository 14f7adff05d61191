/** Calls of kfuncs (check_kfunc_call). */
import { NotSupported } from '../errors.ts';
import type { Env, Insn } from './env.ts';

/** struct bpf_kfunc_call_arg_meta, the part that is known before the arguments. */
export interface KfuncMeta {
  readonly name: string;
  /** KF_ flags in this release. */
  readonly flags: number;
  readonly funcId: number;
  readonly protoId: number;
}

/** add_kfunc_call: finds the kfunc of a call while the program is scanned, or rejects. */
export function addKfuncCall(_env: Env, _insn: Insn): void {}

/** fetch_kfunc_meta; null when this program may not call it. */
export function fetchKfuncMeta(_env: Env, _insn: Insn): KfuncMeta | null {
  return null;
}

/** Name for the log (disasm_kfunc_name). */
export function kfuncName(env: Env, insn: Insn): string {
  return env.vmlinux.name(insn.imm) || 'unknown';
}

/** kfunc_spin_allowed: may be called while a lock is held. */
export function kfuncSpinAllowed(_env: Env, _insn: Insn): boolean {
  return false;
}

export function isBpfThrowKfunc(env: Env, insn: Insn): boolean {
  return insn.src === 2 && insn.off === 0 && env.vmlinux.name(insn.imm) === 'bpf_throw';
}

/** Checks the call at env.insnIdx and leaves the state after it. */
export function checkKfuncCall(env: Env, insn: Insn): void {
  throw new NotSupported(`verifying kfunc ${kfuncName(env, insn)}`);
}
