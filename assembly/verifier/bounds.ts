// What the bounds and the tnum of a record say of each other (reg_bounds_sync). The rules are those of kernel/bpf/verifier.c in
// 6.18, and must give exactly the same bounds: they are visible in logs and decide verdicts.
import { HIGH, LOW, Rec, S32_MAX, S32_MIN, setKnown, takeTnum, U32_MAX, U64_MAX } from './record';
import { tm, tnum_intersect, tnum_range, tv } from './tnum';

export function update32(r: Rec): void {
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

export function update64(r: Rec): void {
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
export function narrowS32(r: Rec, lo: i32, hi: i32): void {
  r.s32min = max<i32>(r.s32min, lo);
  r.s32max = min<i32>(r.s32max, hi);
}

// @ts-ignore: decorator
@inline
export function narrowU32(r: Rec, lo: u32, hi: u32): void {
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
export function syncRec(r: Rec): void {
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
export function zext32(r: Rec): void {
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
