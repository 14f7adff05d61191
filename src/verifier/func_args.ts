/** Arguments of global functions, from their BTF (btf_prepare_func_args, btf_check_subprog_call). */
import { NotSupported } from '../errors.ts';
import type { Env } from './env.ts';
import type { RegState } from './types.ts';

/** Fills env.subprog(i).args from BTF, once; rejects what the kernel rejects. */
export function btfPrepareFuncArgs(_env: Env, _subprog: number): void {
  throw new NotSupported('arguments of global functions');
}

/** Do the caller's registers fit the prototype of global function `subprog`? Rejects otherwise. */
export function btfCheckSubprogCall(_env: Env, _subprog: number, _regs: readonly RegState[]): void {
  throw new NotSupported('calls of global functions');
}
