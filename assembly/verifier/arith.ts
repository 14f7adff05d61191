// Arithmetic on records (scalar_min_max_*): opcodes are BPF_OP(code).
import { bitAnd, bitOr, bitXor } from './bits';
import { syncRec, update32, update64, zext32 } from './bounds';
import {
  at,
  copy,
  intern,
  LOW,
  Rec,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  setKnown,
  takeTnum,
  U32_MAX,
  U64_MAX,
  unbound32,
  unbound64,
  X,
  Y,
} from './record';
import { tnum_add, tnum_mul, tnum_sub } from './tnum';

// @ts-ignore: decorator
@inline
function addOverflows(a: i64, b: i64): bool {
  const s = a + b;
  return ((a ^ s) & (b ^ s)) < 0;
}

// @ts-ignore: decorator
@inline
function subOverflows(a: i64, b: i64): bool {
  const s = a - b;
  return ((a ^ b) & (a ^ s)) < 0;
}

export function add(d: Rec, s: Rec): void {
  // 32 bit
  const s32lo = <i64>d.s32min + <i64>s.s32min;
  const s32hi = <i64>d.s32max + <i64>s.s32max;
  if (s32lo != <i64>(<i32>s32lo) || s32hi != <i64>(<i32>s32hi)) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = <i32>s32lo;
    d.s32max = <i32>s32hi;
  }
  const u32lo = <u64>d.u32min + <u64>s.u32min;
  const u32hi = <u64>d.u32max + <u64>s.u32max;
  // Either both ends wrap or none does; with one, anything is possible.
  if (u32lo <= LOW && u32hi > LOW) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min = <u32>u32lo;
    d.u32max = <u32>u32hi;
  }
  // 64 bit
  if (addOverflows(d.smin, s.smin) || addOverflows(d.smax, s.smax)) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin += s.smin;
    d.smax += s.smax;
  }
  const ulo = d.umin + s.umin;
  const uhi = d.umax + s.umax;
  if (ulo >= d.umin && uhi < d.umax) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin = ulo;
    d.umax = uhi;
  }
  tnum_add(d.v, d.m, s.v, s.m);
  takeTnum(d);
}

function sub(d: Rec, s: Rec): void {
  const s32lo = <i64>d.s32min - <i64>s.s32max;
  const s32hi = <i64>d.s32max - <i64>s.s32min;
  if (s32lo != <i64>(<i32>s32lo) || s32hi != <i64>(<i32>s32hi)) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = <i32>s32lo;
    d.s32max = <i32>s32hi;
  }
  const min32Under = d.u32min < s.u32max;
  const max32Under = d.u32max < s.u32min;
  if (min32Under && !max32Under) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min -= s.u32max;
    d.u32max -= s.u32min;
  }
  if (subOverflows(d.smin, s.smax) || subOverflows(d.smax, s.smin)) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin -= s.smax;
    d.smax -= s.smin;
  }
  const minUnder = d.umin < s.umax;
  const maxUnder = d.umax < s.umin;
  if (minUnder && !maxUnder) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin -= s.umax;
    d.umax -= s.umin;
  }
  tnum_sub(d.v, d.m, s.v, s.m);
  takeTnum(d);
}

// @ts-ignore: decorator
@inline
function mulOverflowsU(a: u64, b: u64): bool {
  return a != 0 && (a * b) / a != b;
}

// @ts-ignore: decorator
@inline
function mulOverflowsS(a: i64, b: i64): bool {
  if (a == 0 || b == 0) return false;
  if ((a == -1 && b == S64_MIN) || (b == -1 && a == S64_MIN)) return true;
  return (a * b) / b != a;
}

function mul(d: Rec, s: Rec): void {
  tnum_mul(d.v, d.m, s.v, s.m);
  takeTnum(d);
  // 32 bit
  const uhi32 = <u64>d.u32max * <u64>s.u32max;
  const ulo32 = <u64>d.u32min * <u64>s.u32min;
  if (uhi32 > LOW || ulo32 > LOW) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min = <u32>ulo32;
    d.u32max = <u32>uhi32;
  }
  const p0 = <i64>d.s32min * <i64>s.s32min;
  const p1 = <i64>d.s32min * <i64>s.s32max;
  const p2 = <i64>d.s32max * <i64>s.s32min;
  const p3 = <i64>d.s32max * <i64>s.s32max;
  const lo = min<i64>(min<i64>(p0, p1), min<i64>(p2, p3));
  const hi = max<i64>(max<i64>(p0, p1), max<i64>(p2, p3));
  if (lo < <i64>S32_MIN || hi > <i64>S32_MAX) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
  } else {
    d.s32min = <i32>lo;
    d.s32max = <i32>hi;
  }
  // 64 bit
  if (mulOverflowsU(d.umax, s.umax) || mulOverflowsU(d.umin, s.umin)) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin *= s.umin;
    d.umax *= s.umax;
  }
  const a = d.smin;
  const b = d.smax;
  const e = s.smin;
  const f = s.smax;
  if (mulOverflowsS(a, e) || mulOverflowsS(a, f) || mulOverflowsS(b, e) || mulOverflowsS(b, f)) {
    d.smin = S64_MIN;
    d.smax = S64_MAX;
  } else {
    d.smin = min<i64>(min<i64>(a * e, a * f), min<i64>(b * e, b * f));
    d.smax = max<i64>(max<i64>(a * e, a * f), max<i64>(b * e, b * f));
  }
}

/** The 32-bit bounds after a left shift by umin..umax. */
function lsh32(d: Rec, lo: u64, hi: u64): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  if (hi > 31 || <u64>d.u32max > (<u64>1) << (31 - hi)) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min <<= <u32>lo;
    d.u32max <<= <u32>hi;
  }
}

function shl(d: Rec, s: Rec, is32: bool): void {
  if (is32) {
    const lo: u64 = s.u32min;
    lsh32(d, lo, s.u32max);
    d.v = ((d.v & LOW) << lo) & LOW;
    d.m = ((d.m & LOW) << lo) & LOW;
    unbound64(d);
    update32(d);
    return;
  }
  const lo = s.umin;
  const hi = s.umax;
  // x << 32 of a sign-extended value is how compilers sign-extend: keep that one.
  if (lo == 32 && hi == 32) {
    d.smax = (<i64>d.s32max) << 32;
    d.smin = (<i64>d.s32min) << 32;
  } else {
    d.smax = S64_MAX;
    d.smin = S64_MIN;
  }
  if (d.umax > (<u64>1) << (63 - hi)) {
    d.umin = 0;
    d.umax = U64_MAX;
  } else {
    d.umin <<= lo;
    d.umax <<= hi;
  }
  lsh32(d, lo, hi);
  d.v <<= lo;
  d.m <<= lo;
  update32(d);
  update64(d);
}

function shr(d: Rec, s: Rec, is32: bool): void {
  if (is32) {
    const lo = s.u32min;
    const hi = s.u32max;
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
    d.v = (d.v & LOW) >> (<u64>lo);
    d.m = (d.m & LOW) >> (<u64>lo);
    d.u32min >>= hi;
    d.u32max >>= lo;
    unbound64(d);
    update32(d);
    return;
  }
  const lo = s.umin;
  const hi = s.umax;
  d.smin = S64_MIN;
  d.smax = S64_MAX;
  d.v >>= lo;
  d.m >>= lo;
  d.umin >>= hi;
  d.umax >>= lo;
  unbound32(d);
  update32(d);
  update64(d);
}

function sar(d: Rec, s: Rec, is32: bool): void {
  if (is32) {
    const lo = s.u32min;
    d.s32min = d.s32min >> <i32>lo;
    d.s32max = d.s32max >> <i32>lo;
    d.v = (<u64>(<i32>d.v >> <i32>lo)) & LOW;
    d.m = (<u64>(<i32>d.m >> <i32>lo)) & LOW;
    d.u32min = 0;
    d.u32max = U32_MAX;
    unbound64(d);
    update32(d);
    return;
  }
  const lo = <i64>s.umin;
  d.smin >>= lo;
  d.smax >>= lo;
  d.v = <u64>(<i64>d.v >> lo);
  d.m = <u64>(<i64>d.m >> lo);
  d.umin = 0;
  d.umax = U64_MAX;
  unbound32(d);
  update32(d);
  update64(d);
}

/** May the range of the result be computed? Shifts only by constants in range; division never. */
function computable(op: u32, is32: bool, s: Rec): bool {
  if (op == 0x60 || op == 0x70 || op == 0xc0) {
    if (is32) {
      return <u32>s.m == 0 && s.s32min == s.s32max && s.u32min == s.u32max && s.umax < 32;
    }
    return s.m == 0 && s.smin == s.smax && s.umin == s.umax && s.umax < 64;
  }
  return op == 0x00 || op == 0x10 || op == 0x20 || op == 0x40 || op == 0x50 || op == 0xa0 || op == 0x80;
}

export function alu(op: u32, is32: bool, dst: u32, src: u32): i32 {
  if (!computable(op, is32, at(src))) return -1;
  copy(X, at(dst));
  copy(Y, at(src));
  switch (op) {
    case 0x00:
      add(X, Y);
      break;
    case 0x10:
      sub(X, Y);
      break;
    case 0x20:
      mul(X, Y);
      break;
    case 0x40:
      bitOr(X, Y);
      break;
    case 0x50:
      bitAnd(X, Y);
      break;
    case 0x60:
      shl(X, Y, is32);
      break;
    case 0x70:
      shr(X, Y, is32);
      break;
    case 0x80: // neg: 0 - dst
      copy(Y, X);
      setKnown(X, 0);
      sub(X, Y);
      break;
    case 0xa0:
      bitXor(X, Y);
      break;
    default:
      sar(X, Y, is32);
  }
  if (is32) zext32(X);
  syncRec(X);
  return intern(X);
}

export function ptrAdd(ptr: u32, scalar: u32): u32 {
  copy(X, at(ptr));
  const s = at(scalar);
  if (addOverflows(X.smin, s.smin) || addOverflows(X.smax, s.smax)) {
    X.smin = S64_MIN;
    X.smax = S64_MAX;
  } else {
    X.smin += s.smin;
    X.smax += s.smax;
  }
  const ulo = X.umin + s.umin;
  const uhi = X.umax + s.umax;
  if (ulo < X.umin || uhi < X.umax) {
    X.umin = 0;
    X.umax = U64_MAX;
  } else {
    X.umin = ulo;
    X.umax = uhi;
  }
  tnum_add(X.v, X.m, s.v, s.m);
  takeTnum(X);
  unbound32(X);
  syncRec(X);
  return intern(X);
}

export function ptrSub(ptr: u32, scalar: u32): u32 {
  copy(X, at(ptr));
  const s = at(scalar);
  if (subOverflows(X.smin, s.smax) || subOverflows(X.smax, s.smin)) {
    X.smin = S64_MIN;
    X.smax = S64_MAX;
  } else {
    X.smin -= s.smax;
    X.smax -= s.smin;
  }
  if (X.umin < s.umax) {
    X.umin = 0;
    X.umax = U64_MAX;
  } else {
    X.umin -= s.umax;
    X.umax -= s.umin;
  }
  tnum_sub(X.v, X.m, s.v, s.m);
  takeTnum(X);
  unbound32(X);
  syncRec(X);
  return intern(X);
}
