/** Ranges that return values have to lie in. */
import type { Env } from './env.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';

export interface RetvalRange {
  readonly min: number;
  readonly max: number;
}

/** retval_range_within: `return32`: only the low half counts. */
export function retvalRangeWithin(want: RetvalRange, reg: RegState, return32: boolean): boolean {
  if (return32) return want.min <= range.s32min(reg.val) && range.s32max(reg.val) <= want.max;
  return want.min <= range.sminF(reg.val) && range.smaxF(reg.val) <= want.max;
}

/** verbose_invalid_scalar: says what the register may be and what it should be. */
export function verboseInvalidScalar(env: Env, reg: RegState, want: RetvalRange, exit: string, name: string): void {
  const smin = range.smin(reg.val);
  const smax = range.smax(reg.val);
  let text = `${exit} the register ${name} has`;
  let unknown = true;
  if (smin > -(1n << 63n)) {
    text += ` smin=${smin}`;
    unknown = false;
  }
  if (smax < (1n << 63n) - 1n) {
    text += ` smax=${smax}`;
    unknown = false;
  }
  if (unknown) text += ' unknown scalar value';
  env.verbose(`${text} should have been in [${want.min}, ${want.max}]\n`);
}
