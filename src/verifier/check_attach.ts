/** What a program attaches to, and what it may return. */
import { NotSupported } from '../errors.ts';
import type { Env } from './env.ts';

/** check_attach_btf_id: before the walk. */
export function checkAttachBtfId(_env: Env): void {
  throw new NotSupported('attach checks');
}

/** check_btf_info_early and check_btf_info: func_info, line_info, CO-RE info against the object's BTF. */
export function checkBtfInfo(_env: Env): void {
  throw new NotSupported('func_info checks');
}

/** check_return_code: R0 at the end of the program (or of an exception callback). */
export function checkReturnCode(_env: Env, _regno: number, _regName: string): void {
  throw new NotSupported('return value checks');
}
