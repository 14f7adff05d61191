// And, or, xor of records.
import { update32, update64 } from './bounds';
import { Rec, S32_MAX, S32_MIN, S64_MAX, S64_MIN, setKnown, setKnown32, takeTnum } from './record';
import { tm, tnum_and, tnum_or, tnum_xor } from './tnum';

/** Signed bounds from the unsigned ones of the same width, where those do not cross the sign. */
function signFromUnsigned32(d: Rec): void {
  if (<i32>d.u32min <= <i32>d.u32max) {
    d.s32min = <i32>d.u32min;
    d.s32max = <i32>d.u32max;
  } else {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  }
}

function signFromUnsigned64(d: Rec): void {
  if (<i64>d.umin <= <i64>d.umax) {
    d.smin = <i64>d.umin;
    d.smax = <i64>d.umax;
  } else {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  }
  update32(d);
  update64(d);
}

export function bitAnd(d: Rec, s: Rec): void {
  tnum_and(d.v, d.m, s.v, s.m);
  const known32 = <u32>s.m == 0 && <u32>tm == 0;
  const known64 = s.m == 0 && tm == 0;
  takeTnum(d);
  if (known32) setKnown32(d, d.v);
  else {
    d.u32min = <u32>d.v;
    d.u32max = min<u32>(d.u32max, s.u32max);
    signFromUnsigned32(d);
  }
  if (known64) setKnown(d, d.v);
  else {
    d.umin = d.v;
    d.umax = min<u64>(d.umax, s.umax);
    signFromUnsigned64(d);
  }
}

export function bitOr(d: Rec, s: Rec): void {
  tnum_or(d.v, d.m, s.v, s.m);
  takeTnum(d);
  if (<u32>s.m == 0 && <u32>d.m == 0) setKnown32(d, d.v);
  else {
    d.u32min = max<u32>(d.u32min, s.u32min);
    d.u32max = <u32>(d.v | d.m);
    signFromUnsigned32(d);
  }
  if (s.m == 0 && d.m == 0) setKnown(d, d.v);
  else {
    d.umin = max<u64>(d.umin, s.umin);
    d.umax = d.v | d.m;
    signFromUnsigned64(d);
  }
}

export function bitXor(d: Rec, s: Rec): void {
  tnum_xor(d.v, d.m, s.v, s.m);
  takeTnum(d);
  if (<u32>s.m == 0 && <u32>d.m == 0) setKnown32(d, d.v);
  else {
    d.u32min = <u32>d.v;
    d.u32max = <u32>(d.v | d.m);
    signFromUnsigned32(d);
  }
  if (s.m == 0 && d.m == 0) setKnown(d, d.v);
  else {
    d.umin = d.v;
    d.umax = d.v | d.m;
    signFromUnsigned64(d);
  }
}

