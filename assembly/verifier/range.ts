// The verifier's number domain: see src/verifier/range.ts for what each export means. A record is a tnum and four pairs of
// bounds, interned by content; operations work on the scratch records X and Y and intern the result. The rules are those of
// kernel/bpf/verifier.c in 6.18, and must give exactly the same bounds: they are visible in logs and decide verdicts.
import {
  tm,
  tnum_add,
  tnum_and,
  tnum_intersect,
  tnum_mul,
  tnum_or,
  tnum_overlap,
  tnum_range,
  tnum_sub,
  tnum_xor,
  tv,
} from './tnum';

@unmanaged
class Rec {
  v: u64;
  m: u64;
  smin: i64;
  smax: i64;
  umin: u64;
  umax: u64;
  s32min: i32;
  s32max: i32;
  u32min: u32;
  u32max: u32;
  // Of interned records only.
  next: u32;
  hash: u32;
}

const S64_MIN: i64 = i64.MIN_VALUE;
const S64_MAX: i64 = i64.MAX_VALUE;
const U64_MAX: u64 = u64.MAX_VALUE;
const S32_MIN: i32 = i32.MIN_VALUE;
const S32_MAX: i32 = i32.MAX_VALUE;
const U32_MAX: u32 = u32.MAX_VALUE;
const LOW: u64 = 0xffffffff;
const HIGH: u64 = 0xffffffff00000000;

const STRIDE: usize = 72;
const CONTENT: usize = 64;
const SCRATCH: usize = 0x10000;
const BUCKETS: usize = 0x20000;
const BUCKET_BITS: u32 = 17;
const RECORDS: usize = BUCKETS + ((<usize>4) << BUCKET_BITS);
const NONE: u32 = 0xffffffff;

const X = changetype<Rec>(SCRATCH);
const Y = changetype<Rec>(SCRATCH + STRIDE);
const T = changetype<Rec>(SCRATCH + 2 * STRIDE);

let records: u32 = 0;
let outA: u32 = 0;
let outB: u32 = 0;

// @ts-ignore: decorator
@inline
function at(h: u32): Rec {
  return changetype<Rec>(RECORDS + <usize>h * STRIDE);
}

// @ts-ignore: decorator
@inline
function copy(to: Rec, from: Rec): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), CONTENT);
}

// @ts-ignore: decorator
@inline
function mix(h: u64, x: u64): u64 {
  return (rotl(h, 5) ^ x) * 0x9e3779b97f4a7c15;
}

function intern(r: Rec): u32 {
  const p = changetype<usize>(r);
  let h: u64 = 0;
  for (let i: usize = 0; i < CONTENT; i += 8) h = mix(h, load<u64>(p + i));
  h ^= h >> 29;
  const hash = <u32>(h >> 16);
  const bucket = BUCKETS + ((<usize>(hash >> (32 - BUCKET_BITS))) << 2);
  let e = load<u32>(bucket);
  while (e != NONE) {
    const c = at(e);
    if (c.hash == hash) {
      const q = changetype<usize>(c);
      let same = true;
      for (let i: usize = 0; i < CONTENT; i += 8) {
        if (load<u64>(p + i) != load<u64>(q + i)) {
          same = false;
          break;
        }
      }
      if (same) return e;
    }
    e = c.next;
  }
  const n = records;
  const end = RECORDS + (<usize>(n + 1)) * STRIDE;
  const have = <usize>memory.size() << 16;
  if (end > have) memory.grow(max<i32>(1, <i32>((have >> 16) >> 1)));
  const c = at(n);
  copy(c, r);
  c.next = load<u32>(bucket);
  c.hash = hash;
  store<u32>(bucket, n);
  records = n + 1;
  return n;
}

export function reset(): void {
  memory.fill(BUCKETS, 0xff, (<usize>4) << BUCKET_BITS);
  records = 0;
  setKnown(X, 0);
  intern(X); // RANGE_ZERO
  setUnknown(X);
  intern(X); // RANGE_UNKNOWN
}

export function count(): u32 {
  return records;
}

// ---- records

function setKnown(r: Rec, value: u64): void {
  r.v = value;
  r.m = 0;
  r.smin = <i64>value;
  r.smax = <i64>value;
  r.umin = value;
  r.umax = value;
  r.s32min = <i32>value;
  r.s32max = <i32>value;
  r.u32min = <u32>value;
  r.u32max = <u32>value;
}

/** __mark_reg32_known */
function setKnown32(r: Rec, value: u64): void {
  r.v = (r.v & HIGH) | (value & LOW);
  r.m = r.m & HIGH;
  r.s32min = <i32>value;
  r.s32max = <i32>value;
  r.u32min = <u32>value;
  r.u32max = <u32>value;
}

function unbound64(r: Rec): void {
  r.smin = S64_MIN;
  r.smax = S64_MAX;
  r.umin = 0;
  r.umax = U64_MAX;
}

function unbound32(r: Rec): void {
  r.s32min = S32_MIN;
  r.s32max = S32_MAX;
  r.u32min = 0;
  r.u32max = U32_MAX;
}

function setUnknown(r: Rec): void {
  r.v = 0;
  r.m = U64_MAX;
  unbound64(r);
  unbound32(r);
}

// @ts-ignore: decorator
@inline
function takeTnum(r: Rec): void {
  r.v = tv;
  r.m = tm;
}

function update32(r: Rec): void {
  const v = <u32>r.v;
  const m = <u32>r.m;
  r.s32min = max<i32>(r.s32min, <i32>(v | (m & 0x80000000)));
  r.s32max = min<i32>(r.s32max, <i32>(v | (m & 0x7fffffff)));
  r.u32min = max<u32>(r.u32min, v);
  r.u32max = min<u32>(r.u32max, v | m);
}

/** The smallest number of the tnum above z; its largest where there is none. */
function tnumStep(v: u64, m: u64, z: u64): u64 {
  const top = v | m;
  if (z >= top) return top;
  if (z < v) return v;
  const d = z - v;
  const outside = d & ~m;
  // Below the highest bit of z that the tnum cannot have, everything is skipped.
  const carry = outside ? U64_MAX >> clz<u64>(outside) : <u64>0;
  return v | (((d | carry | ~m) + 1) & m);
}

function update64(r: Rec): void {
  r.smin = max<i64>(r.smin, <i64>(r.v | (r.m & 0x8000000000000000)));
  r.smax = min<i64>(r.smax, <i64>(r.v | (r.m & 0x7fffffffffffffff)));
  r.umin = max<u64>(r.umin, r.v);
  r.umax = min<u64>(r.umax, r.v | r.m);
  // Bounds and tnum may have a single number in common.
  const next = tnumStep(r.v, r.m, r.umin);
  const minIn = (r.umin & ~r.m) == r.v;
  if (minIn) {
    if (next > r.umax) setKnown(r, r.umin);
  } else if (next == (r.v | r.m)) {
    setKnown(r, next);
  } else if (next <= r.umax && tnumStep(r.v, r.m, next) > r.umax) {
    setKnown(r, next);
  }
}

// @ts-ignore: decorator
@inline
function narrowS32(r: Rec, lo: i32, hi: i32): void {
  r.s32min = max<i32>(r.s32min, lo);
  r.s32max = min<i32>(r.s32max, hi);
}

// @ts-ignore: decorator
@inline
function narrowU32(r: Rec, lo: u32, hi: u32): void {
  r.u32min = max<u32>(r.u32min, lo);
  r.u32max = min<u32>(r.u32max, hi);
}

function deduce32(r: Rec): void {
  // One upper half for the whole unsigned range: its low half is a range of its own.
  if (r.umin >> 32 == r.umax >> 32) {
    narrowU32(r, <u32>r.umin, <u32>r.umax);
    if (<i32>r.umin <= <i32>r.umax) narrowS32(r, <i32>r.umin, <i32>r.umax);
  }
  if (r.smin >> 32 == r.smax >> 32) {
    if (<u32>r.smin <= <u32>r.smax) narrowU32(r, <u32>r.smin, <u32>r.smax);
    if (<i32>r.smin <= <i32>r.smax) narrowS32(r, <i32>r.smin, <i32>r.smax);
  }
  // Adjacent upper halves, low half from negative to not: a range around zero.
  if (<u32>(r.umin >> 32) + 1 == <u32>(r.umax >> 32) && <i32>r.umin < 0 && <i32>r.umax >= 0) {
    narrowS32(r, <i32>r.umin, <i32>r.umax);
  }
  if (<u32>(<u64>r.smin >> 32) + 1 == <u32>(<u64>r.smax >> 32) && <i32>r.smin < 0 && <i32>r.smax >= 0) {
    narrowS32(r, <i32>r.smin, <i32>r.smax);
  }
  if (<i32>r.u32min <= <i32>r.u32max) narrowS32(r, <i32>r.u32min, <i32>r.u32max);
  if (<u32>r.s32min <= <u32>r.s32max) {
    narrowU32(r, <u32>r.s32min, <u32>r.s32max);
  } else if (r.u32max < <u32>r.s32min) {
    r.s32min = <i32>r.u32min;
    r.u32max = min<u32>(r.u32max, <u32>r.s32max);
  } else if (<u32>r.s32max < r.u32min) {
    r.s32max = <i32>r.u32max;
    r.u32min = max<u32>(r.u32min, <u32>r.s32min);
  }
}

function deduce64(r: Rec): void {
  if (<i64>r.umin <= <i64>r.umax) {
    r.smin = max<i64>(r.smin, <i64>r.umin);
    r.smax = min<i64>(r.smax, <i64>r.umax);
  }
  if (<u64>r.smin <= <u64>r.smax) {
    r.umin = max<u64>(<u64>r.smin, r.umin);
    r.umax = min<u64>(<u64>r.smax, r.umax);
  } else if (r.umax < <u64>r.smin) {
    // The signed range wraps; the unsigned one overlaps only its part below.
    r.smin = <i64>r.umin;
    r.umax = min<u64>(r.umax, <u64>r.smax);
  } else if (<u64>r.smax < r.umin) {
    r.smax = <i64>r.umax;
    r.umin = max<u64>(r.umin, <u64>r.smin);
  }
}

function deduceMixed(r: Rec): void {
  let lo: u64 = r.u32min;
  let hi: u64 = r.u32max;
  r.umin = max<u64>(r.umin, (r.umin & HIGH) | lo);
  r.umax = min<u64>(r.umax, (r.umax & HIGH) | hi);
  r.smin = max<i64>(r.smin, <i64>((<u64>r.smin & HIGH) | lo));
  r.smax = min<i64>(r.smax, <i64>((<u64>r.smax & HIGH) | hi));
  if (<u32>r.s32min <= <u32>r.s32max) {
    // Not <u64>(<u32>x): this compiler loads the field sign-extended then.
    lo = (<u64>r.s32min) & LOW;
    hi = (<u64>r.s32max) & LOW;
    r.umin = max<u64>(r.umin, (r.umin & HIGH) | lo);
    r.umax = min<u64>(r.umax, (r.umax & HIGH) | hi);
    r.smin = max<i64>(r.smin, <i64>((<u64>r.smin & HIGH) | lo));
    r.smax = min<i64>(r.smax, <i64>((<u64>r.smax & HIGH) | hi));
  }
  // Fits in 32 signed bits and is not negative there: the 64-bit value is the 32-bit one.
  if (r.s32min >= 0 && r.smin >= <i64>S32_MIN && r.smax <= <i64>S32_MAX) {
    r.smin = r.s32min;
    r.smax = r.s32max;
    r.umin = r.s32min;
    r.umax = r.s32max;
    tnum_range(<u64>r.smin, <u64>r.smax);
    tnum_intersect(r.v, r.m, tv, tm);
    takeTnum(r);
  }
}

function deduce(r: Rec): void {
  deduce32(r);
  deduce64(r);
  deduceMixed(r);
}

/** __reg_bound_offset */
function boundOffset(r: Rec): void {
  tnum_range(r.umin, r.umax);
  tnum_intersect(r.v, r.m, tv, tm);
  const v64 = tv;
  const m64 = tm;
  tnum_range(r.u32min, r.u32max);
  tnum_intersect(v64 & LOW, m64 & LOW, tv, tm);
  r.v = (v64 & HIGH) | tv;
  r.m = (m64 & HIGH) | tm;
}

/** reg_bounds_sync */
function syncRec(r: Rec): void {
  update32(r);
  update64(r);
  deduce(r);
  deduce(r);
  deduce(r);
  boundOffset(r);
  update32(r);
  update64(r);
}

/** zext_32_to_64: the upper half is zero. */
function zext32(r: Rec): void {
  r.v = r.v & LOW;
  r.m = r.m & LOW;
  r.umin = r.u32min;
  r.umax = r.u32max;
  // 32-bit signed bounds carry over only when they are not negative.
  if (r.s32min >= 0 && r.s32max >= 0) {
    r.smin = r.s32min;
    r.smax = r.s32max;
  } else {
    r.smin = 0;
    r.smax = <i64>U32_MAX;
  }
}

// ---- reading

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

// ---- arithmetic

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

function add(d: Rec, s: Rec): void {
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

function bitAnd(d: Rec, s: Rec): void {
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

function bitOr(d: Rec, s: Rec): void {
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

function bitXor(d: Rec, s: Rec): void {
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

// ---- width

export function zext(h: u32, size: u32): u32 {
  if (size >= 8) return h;
  copy(X, at(h));
  const keep: u64 = ((<u64>1) << (<u64>size * 8)) - 1;
  if (size == 4) {
    zext32(X);
  } else {
    // Bounds survive when the cut-off part is the same for all values.
    if ((X.umin & ~keep) == (X.umax & ~keep)) {
      X.umin &= keep;
      X.umax &= keep;
    } else {
      X.umin = 0;
      X.umax = keep;
    }
    X.v &= keep;
    X.m &= keep;
    X.smin = <i64>X.umin;
    X.smax = <i64>X.umax;
    unbound32(X);
  }
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

// ---- branches. Opcodes: JEQ 0x10 JGT 0x20 JGE 0x30 JSET 0x40 JNE 0x50 JSGT 0x60 JSGE 0x70 JLT 0xa0 JLE 0xb0 JSLT 0xc0 JSLE 0xd0

export function branchTaken(op: u32, is32: bool, ah: u32, bh: u32): i32 {
  const a = at(ah);
  const b = at(bh);
  const low = is32 ? LOW : U64_MAX;
  const av = a.v & low;
  const am = a.m & low;
  const bv = b.v & low;
  const bm = b.m & low;
  const umin1: u64 = is32 ? a.u32min : a.umin;
  const umax1: u64 = is32 ? a.u32max : a.umax;
  const smin1: i64 = is32 ? a.s32min : a.smin;
  const smax1: i64 = is32 ? a.s32max : a.smax;
  const umin2: u64 = is32 ? b.u32min : b.umin;
  const umax2: u64 = is32 ? b.u32max : b.umax;
  const smin2: i64 = is32 ? b.s32min : b.smin;
  const smax2: i64 = is32 ? b.s32max : b.smax;
  switch (op) {
    case 0x10:
    case 0x50: {
      const eq = op == 0x10;
      if (am == 0 && bm == 0) return <i32>((av == bv) == eq);
      if (!tnum_overlap(av, am, bv, bm)) return <i32>!eq;
      if (umin1 > umax2 || umax1 < umin2) return <i32>!eq;
      if (smin1 > smax2 || smax1 < smin2) return <i32>!eq;
      if (!is32) {
        // The low halves may differ for sure where the whole is not known.
        if (a.u32min > b.u32max || a.u32max < b.u32min) return <i32>!eq;
        if (a.s32min > b.s32max || a.s32max < b.s32min) return <i32>!eq;
      }
      return -1;
    }
    case 0x40: {
      // The constant operand, whichever it is, gives the bits.
      if (bm != 0) {
        if (am != 0) return -1;
        return jset(bv, bm, av);
      }
      return jset(av, am, bv);
    }
    case 0x20:
      return umin1 > umax2 ? 1 : umax1 <= umin2 ? 0 : -1;
    case 0x60:
      return smin1 > smax2 ? 1 : smax1 <= smin2 ? 0 : -1;
    case 0xa0:
      return umax1 < umin2 ? 1 : umin1 >= umax2 ? 0 : -1;
    case 0xc0:
      return smax1 < smin2 ? 1 : smin1 >= smax2 ? 0 : -1;
    case 0x30:
      return umin1 >= umax2 ? 1 : umax1 < umin2 ? 0 : -1;
    case 0x70:
      return smin1 >= smax2 ? 1 : smax1 < smin2 ? 0 : -1;
    case 0xb0:
      return umax1 <= umin2 ? 1 : umin1 > umax2 ? 0 : -1;
    case 0xd0:
      return smax1 <= smin2 ? 1 : smin1 > smax2 ? 0 : -1;
    default:
      return -1;
  }
}

function jset(v: u64, m: u64, bits: u64): i32 {
  if (~m & v & bits) return 1;
  if (!((m | v) & bits)) return 0;
  return -1;
}

/** regs_refine_cond_op: a and b where `a op b` holds; op may be JSET | BPF_X (0x48) for "not set". */
function refineOp(a: Rec, b: Rec, op: u32, is32: bool): void {
  switch (op) {
    case 0x10: // ==
      if (is32) {
        narrowU32(a, b.u32min, b.u32max);
        b.u32min = a.u32min;
        b.u32max = a.u32max;
        narrowS32(a, b.s32min, b.s32max);
        b.s32min = a.s32min;
        b.s32max = a.s32max;
        tnum_intersect(a.v & LOW, a.m & LOW, b.v & LOW, b.m & LOW);
        a.v = (a.v & HIGH) | tv;
        a.m = (a.m & HIGH) | tm;
        b.v = (b.v & HIGH) | tv;
        b.m = (b.m & HIGH) | tm;
      } else {
        a.umin = max<u64>(a.umin, b.umin);
        a.umax = min<u64>(a.umax, b.umax);
        b.umin = a.umin;
        b.umax = a.umax;
        a.smin = max<i64>(a.smin, b.smin);
        a.smax = min<i64>(a.smax, b.smax);
        b.smin = a.smin;
        b.smax = a.smax;
        tnum_intersect(a.v, a.m, b.v, b.m);
        takeTnum(a);
        takeTnum(b);
      }
      return;
    case 0x50: { // != a constant: trim an end that equals it
      let x = a;
      let c = b;
      const low = is32 ? LOW : U64_MAX;
      if ((c.m & low) != 0) {
        x = b;
        c = a;
      }
      if ((c.m & low) != 0) return;
      if (is32) {
        const k = <u32>c.v;
        if (x.u32min == k) x.u32min++;
        if (x.u32max == k) x.u32max--;
        if (x.s32min == <i32>k) x.s32min++;
        if (x.s32max == <i32>k) x.s32max--;
      } else {
        const k = c.v;
        if (x.umin == k) x.umin++;
        if (x.umax == k) x.umax--;
        if (x.smin == <i64>k) x.smin++;
        if (x.smax == <i64>k) x.smax--;
      }
      return;
    }
    case 0x40: // a & one bit is set
    case 0x48: {
      let x = a;
      let c = b;
      const low = is32 ? LOW : U64_MAX;
      if ((c.m & low) != 0) {
        x = b;
        c = a;
      }
      if ((c.m & low) != 0) return;
      const k = c.v & low;
      if (op == 0x40) {
        // Only a single bit says which one is set.
        if (k == 0 || (k & (k - 1)) != 0) return;
        if (is32) {
          tnum_or(x.v & LOW, x.m & LOW, k, 0);
          x.v = (x.v & HIGH) | tv;
          x.m = (x.m & HIGH) | tm;
        } else {
          tnum_or(x.v, x.m, k, 0);
          takeTnum(x);
        }
        return;
      }
      // Bounds learnt before are dropped, and follow from the tnum again.
      unbound64(x);
      unbound32(x);
      if (is32) {
        tnum_and(x.v & LOW, x.m & LOW, ~k, 0);
        x.v = (x.v & HIGH) | (tv & LOW);
        x.m = (x.m & HIGH) | (tm & LOW);
      } else {
        tnum_and(x.v, x.m, ~k, 0);
        takeTnum(x);
      }
      return;
    }
    case 0xb0: // <=
      if (is32) {
        a.u32max = min<u32>(a.u32max, b.u32max);
        b.u32min = max<u32>(a.u32min, b.u32min);
      } else {
        a.umax = min<u64>(a.umax, b.umax);
        b.umin = max<u64>(a.umin, b.umin);
      }
      return;
    case 0xa0: // <
      if (is32) {
        a.u32max = min<u32>(a.u32max, b.u32max - 1);
        b.u32min = max<u32>(a.u32min + 1, b.u32min);
      } else {
        a.umax = min<u64>(a.umax, b.umax - 1);
        b.umin = max<u64>(a.umin + 1, b.umin);
      }
      return;
    case 0xd0: // s<=
      if (is32) {
        a.s32max = min<i32>(a.s32max, b.s32max);
        b.s32min = max<i32>(a.s32min, b.s32min);
      } else {
        a.smax = min<i64>(a.smax, b.smax);
        b.smin = max<i64>(a.smin, b.smin);
      }
      return;
    case 0xc0: // s<
      if (is32) {
        a.s32max = min<i32>(a.s32max, b.s32max - 1);
        b.s32min = max<i32>(a.s32min + 1, b.s32min);
      } else {
        a.smax = min<i64>(a.smax, b.smax - 1);
        b.smin = max<i64>(a.smin + 1, b.smin);
      }
      return;
    // The rest is the same with the operands exchanged.
    case 0x30:
      refineOp(b, a, 0xb0, is32);
      return;
    case 0x20:
      refineOp(b, a, 0xa0, is32);
      return;
    case 0x70:
      refineOp(b, a, 0xd0, is32);
      return;
    case 0x60:
      refineOp(b, a, 0xc0, is32);
      return;
    default:
      return;
  }
}

export function refine(op: u32, is32: bool, ah: u32, bh: u32): void {
  copy(X, at(ah));
  copy(Y, at(bh));
  refineOp(X, Y, op, is32);
  syncRec(X);
  syncRec(Y);
  outA = intern(X);
  outB = intern(Y);
}

/** Both operands are one register: each rule changes what the next one reads. */
export function refineSelf(op: u32, is32: bool, h: u32): u32 {
  copy(X, at(h));
  refineOp(X, X, op, is32);
  syncRec(X);
  syncRec(X);
  return intern(X);
}

export function refinedA(): u32 {
  return outA;
}

export function refinedB(): u32 {
  return outB;
}
