// The verifier's number domain: see src/verifier/range.ts for what each export means.
import { add } from './arith';
import { narrowS32, syncRec, zext32 } from './bounds';
import { at, copy, intern, setKnown, setKnown32, unbound32, unbound64, X, Y } from './record';
import { tm, tnum_add, tv } from './tnum';

export { alu, ptrAdd, ptrSub } from './arith';
export { branchTaken, refine, refinedA, refinedB, refineSelf } from './branch';
export { beginMark, count, mark, reset, sweep } from './record';
export { sext32, sext64, swap, zext } from './width';

export function known(lo: u32, hi: u32): u32 {
  setKnown(X, ((<u64>hi) << 32) | lo);
  return intern(X);
}

export function knownS32(value: i32): u32 {
  setKnown(X, <u64>(<i64>value));
  return intern(X);
}

export function isConst(h: u32): bool {
  return at(h).m == 0;
}

export function isConst32(h: u32): bool {
  return <u32>at(h).m == 0;
}

export function valueLo(h: u32): u32 {
  return <u32>at(h).v;
}

export function valueHi(h: u32): u32 {
  return <u32>(at(h).v >> 32);
}

export function maskLo(h: u32): u32 {
  return <u32>at(h).m;
}

export function maskHi(h: u32): u32 {
  return <u32>(at(h).m >> 32);
}

export function value(h: u32): u64 {
  return at(h).v;
}

export function mask(h: u32): u64 {
  return at(h).m;
}

export function smin(h: u32): i64 {
  return at(h).smin;
}

export function smax(h: u32): i64 {
  return at(h).smax;
}

export function umin(h: u32): u64 {
  return at(h).umin;
}

export function umax(h: u32): u64 {
  return at(h).umax;
}

export function s32min(h: u32): i32 {
  return at(h).s32min;
}

export function s32max(h: u32): i32 {
  return at(h).s32max;
}

export function u32min(h: u32): u32 {
  return at(h).u32min;
}

export function u32max(h: u32): u32 {
  return at(h).u32max;
}

export function sminF(h: u32): f64 {
  return <f64>at(h).smin;
}

export function smaxF(h: u32): f64 {
  return <f64>at(h).smax;
}

export function uminF(h: u32): f64 {
  return <f64>at(h).umin;
}

export function umaxF(h: u32): f64 {
  return <f64>at(h).umax;
}

export function valueF(h: u32): f64 {
  return <f64>at(h).v;
}

export function isAligned(h: u32, off: i32, size: u32): bool {
  if (!size) return true;
  const r = at(h);
  tnum_add(r.v, r.m, <u64>(<i64>off), 0);
  return ((tv | tm) & <u64>(size - 1)) == 0;
}

export function isInsane(h: u32): u32 {
  const r = at(h);
  if (r.umin > r.umax || r.smin > r.smax || r.u32min > r.u32max || r.s32min > r.s32max) return 1;
  if (r.m == 0) {
    const v = r.v;
    if (r.umin != v || r.umax != v || <u64>r.smin != v || <u64>r.smax != v) return 2;
  }
  if (<u32>r.m == 0) {
    const v = <u32>r.v;
    if (r.u32min != v || r.u32max != v || <u32>r.s32min != v || <u32>r.s32max != v) return 3;
  }
  return 0;
}

/** __mark_reg_unbounded: the tnum stays. */
export function unbound(h: u32): u32 {
  copy(X, at(h));
  unbound64(X);
  unbound32(X);
  return intern(X);
}

/** a + b as linked registers get it. */
export function linkAdd(a: u32, b: u32, is32: bool): u32 {
  copy(X, at(a));
  copy(Y, at(b));
  add(X, Y);
  if (is32) zext32(X);
  syncRec(X);
  return intern(X);
}

export function within(old: u32, cur: u32): bool {
  if (old == cur) return true;
  const o = at(old);
  const c = at(cur);
  if (
    o.umin > c.umin ||
    o.umax < c.umax ||
    o.smin > c.smin ||
    o.smax < c.smax ||
    o.u32min > c.u32min ||
    o.u32max < c.u32max ||
    o.s32min > c.s32min ||
    o.s32max < c.s32max
  ) {
    return false;
  }
  if (c.m & ~o.m) return false;
  return o.v == (c.v & ~o.m);
}

export function make(
  v: u64,
  m: u64,
  smin: i64,
  smax: i64,
  umin: u64,
  umax: u64,
  s32min: i32,
  s32max: i32,
  u32min: u32,
  u32max: u32,
): u32 {
  X.v = v;
  X.m = m;
  X.smin = smin;
  X.smax = smax;
  X.umin = umin;
  X.umax = umax;
  X.s32min = s32min;
  X.s32max = s32max;
  X.u32min = u32min;
  X.u32max = u32max;
  return intern(X);
}

export function sync(h: u32): u32 {
  copy(X, at(h));
  syncRec(X);
  return intern(X);
}

export function boundS64(h: u32, minLo: u32, minHi: u32, maxLo: u32, maxHi: u32): u32 {
  copy(X, at(h));
  X.smin = max<i64>(X.smin, <i64>(((<u64>minHi) << 32) | minLo));
  X.smax = min<i64>(X.smax, <i64>(((<u64>maxHi) << 32) | maxLo));
  syncRec(X);
  return intern(X);
}

export function boundU64(h: u32, minLo: u32, minHi: u32, maxLo: u32, maxHi: u32): u32 {
  copy(X, at(h));
  X.umin = max<u64>(X.umin, ((<u64>minHi) << 32) | minLo);
  X.umax = min<u64>(X.umax, ((<u64>maxHi) << 32) | maxLo);
  syncRec(X);
  return intern(X);
}

export function boundS32(h: u32, lo: i32, hi: i32): u32 {
  copy(X, at(h));
  narrowS32(X, lo, hi);
  syncRec(X);
  return intern(X);
}

export function setKnownLow(h: u32, low: i32): u32 {
  copy(X, at(h));
  setKnown32(X, <u64>(<i64>low));
  return intern(X);
}
