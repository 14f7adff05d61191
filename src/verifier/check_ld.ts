/** ld_imm64 in all its meanings, and ld_abs/ld_ind. */
import { NotSupported } from '../errors.ts';
import type { Env, Insn } from './env.ts';

/** resolve_pseudo_ldimm64: before the walk; also rejects unknown opcodes and reserved fields. */
export function resolvePseudoLdimm64(_env: Env): void {
  throw new NotSupported('resolving ld_imm64');
}

/** check_ld_imm */
export function checkLdImm(_env: Env, _insn: Insn): void {
  throw new NotSupported('verifying ld_imm64');
}

/** check_ld_abs */
export function checkLdAbs(_env: Env, _insn: Insn): void {
  throw new NotSupported('verifying ld_abs');
}
