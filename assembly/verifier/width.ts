// Cutting numbers off and extending their sign (coerce_reg_to_size and friends).
import { syncRec, zext32 } from './bounds';
import { at, copy, HIGH, intern, LOW, Rec, S32_MAX, S32_MIN, setKnown, setKnown32, takeTnum, U32_MAX, U64_MAX, unbound32, unbound64, X } from './record';
import { tm, tnum_range, tv } from './tnum';

export function zext(h: u32, size: u32): u32 {
  if (size >= 8) return h;
  copy(X, at(h));
  zextRec(X, size);
  return intern(X);
}

function zextRec(r: Rec, size: u32): void {
  const keep: u64 = ((<u64>1) << (<u64>size * 8)) - 1;
  if (size == 4) {
    zext32(r);
  } else {
    // Bounds survive when the cut-off part is the same for all values.
    if ((r.umin & ~keep) == (r.umax & ~keep)) {
      r.umin &= keep;
      r.umax &= keep;
    } else {
      r.umin = 0;
      r.umax = keep;
    }
    r.v &= keep;
    r.m &= keep;
    r.smin = <i64>r.umin;
    r.smax = <i64>r.umax;
    unbound32(r);
  }
  syncRec(r);
}

/** scalar_byte_swap: the low `size` bytes, backwards if `reverse`. Of the bounds, only what the bits say survives that. */
export function swap(h: u32, size: u32, reverse: bool): u32 {
  copy(X, at(h));
  if (reverse) {
    const rest: u64 = 64 - <u64>size * 8;
    X.v = bswap<u64>(X.v) >> rest;
    X.m = bswap<u64>(X.m) >> rest;
    unbound64(X);
    unbound32(X);
  }
  if (size < 8) zextRec(X, size);
  syncRec(X);
  return intern(X);
}

/** set_sext64_default_val */
function sextDefault64(r: Rec, size: u32): void {
  if (size == 1) {
    r.smin = -128;
    r.smax = 127;
  } else if (size == 2) {
    r.smin = -32768;
    r.smax = 32767;
  } else {
    r.smin = S32_MIN;
    r.smax = S32_MAX;
  }
  r.s32min = <i32>r.smin;
  r.s32max = <i32>r.smax;
  r.umin = 0;
  r.umax = U64_MAX;
  r.u32min = 0;
  r.u32max = U32_MAX;
  r.v = 0;
  r.m = U64_MAX;
}

// @ts-ignore: decorator
@inline
function sextend(x: u64, size: u32): i64 {
  if (size == 1) return <i64>(<i8>x);
  if (size == 2) return <i64>(<i16>x);
  return <i64>(<i32>x);
}

export function sext64(h: u32, size: u32): u32 {
  const r = at(h);
  if (r.m == 0) {
    setKnown(X, <u64>sextend(r.v, size));
    return intern(X);
  }
  copy(X, r);
  const bits = size * 8;
  const top: i64 = (<i64>X.smax >> bits) << bits;
  const low: i64 = (<i64>X.smin >> bits) << bits;
  if (top != low) {
    sextDefault64(X, size);
    return intern(X);
  }
  const a = sextend(<u64>X.smin, size);
  const b = sextend(<u64>X.smax, size);
  const lo = min<i64>(a, b);
  const hi = max<i64>(a, b);
  // Both ends on one side of the sign bit.
  if (lo >= 0 == hi >= 0) {
    X.smin = lo;
    X.s32min = <i32>lo;
    X.smax = hi;
    X.s32max = <i32>hi;
    X.umin = <u64>lo;
    X.u32min = <u32>lo;
    X.umax = <u64>hi;
    X.u32max = <u32>hi;
    tnum_range(<u64>lo, <u64>hi);
    takeTnum(X);
    return intern(X);
  }
  sextDefault64(X, size);
  return intern(X);
}

export function sext32(h: u32, size: u32): u32 {
  copy(X, at(h));
  sext32Rec(X, size);
  zext32(X);
  syncRec(X);
  return intern(X);
}

function sext32Rec(r: Rec, size: u32): void {
  if (r.m == 0) {
    setKnown32(r, <u64>sextend(r.v, size));
    return;
  }
  const bits = size * 8;
  const top = (r.s32max >> bits) << bits;
  const low = (r.s32min >> bits) << bits;
  if (top == low) {
    const a = <i32>sextend(<u64>r.s32min, size);
    const b = <i32>sextend(<u64>r.s32max, size);
    const lo = min<i32>(a, b);
    const hi = max<i32>(a, b);
    if (lo >= 0 == hi >= 0) {
      r.s32min = lo;
      r.s32max = hi;
      r.u32min = <u32>lo;
      r.u32max = <u32>hi;
      tnum_range(<u64>(<i64>lo), <u64>(<i64>hi));
      r.v = (r.v & HIGH) | (tv & LOW);
      r.m = (r.m & HIGH) | (tm & LOW);
      return;
    }
  }
  if (size == 1) {
    r.s32min = -128;
    r.s32max = 127;
  } else {
    r.s32min = -32768;
    r.s32max = 32767;
  }
  r.u32min = 0;
  r.u32max = U32_MAX;
  r.v = r.v & HIGH;
  r.m = (r.m & HIGH) | LOW;
}
