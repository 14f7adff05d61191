// What is known of a number, as records: a tnum and four pairs of bounds, interned by content, so that equal knowledge has one
// handle. Operations work on the scratch records X and Y and intern the result.
import { tm, tv } from './tnum';

@unmanaged
export class Rec {
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
  // Of interned records only: the next of the same bucket, plus one; 0 for none, as buckets have it.
  next: u32;
  hash: u32;
}

export const S64_MIN: i64 = i64.MIN_VALUE;
export const S64_MAX: i64 = i64.MAX_VALUE;
export const U64_MAX: u64 = u64.MAX_VALUE;
export const S32_MIN: i32 = i32.MIN_VALUE;
export const S32_MAX: i32 = i32.MAX_VALUE;
export const U32_MAX: u32 = u32.MAX_VALUE;
export const LOW: u64 = 0xffffffff;
export const HIGH: u64 = 0xffffffff00000000;

const STRIDE: usize = 72;
const CONTENT: usize = 64;
const SCRATCH: usize = 0x10000;
const BUCKETS: usize = 0x20000;
const BUCKET_BITS: u32 = 19;
const RECORDS: usize = BUCKETS + ((<usize>4) << BUCKET_BITS);

export const X = changetype<Rec>(SCRATCH);
export const Y = changetype<Rec>(SCRATCH + STRIDE);

/** The `next` of a record that sweep() keeps. */
const MARK: u32 = 0xffffffff;

let records: u32 = 0;
/** Records that sweep() gave back: the first one plus one, and how many. */
let free: u32 = 0;
let freed: u32 = 0;

// @ts-ignore: decorator
@inline
export function at(h: u32): Rec {
  return changetype<Rec>(RECORDS + <usize>h * STRIDE);
}

// @ts-ignore: decorator
@inline
export function copy(to: Rec, from: Rec): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), CONTENT);
}

// @ts-ignore: decorator
@inline
function mix(h: u64, x: u64): u64 {
  return (rotl(h, 5) ^ x) * 0x9e3779b97f4a7c15;
}

export function intern(r: Rec): u32 {
  const p = changetype<usize>(r);
  let h: u64 = 0;
  for (let i: usize = 0; i < CONTENT; i += 8) h = mix(h, load<u64>(p + i));
  h ^= h >> 29;
  const hash = <u32>(h >> 16);
  const bucket = BUCKETS + ((<usize>(hash >> (32 - BUCKET_BITS))) << 2);
  let e = load<u32>(bucket);
  while (e) {
    const c = at(e - 1);
    if (c.hash == hash) {
      const q = changetype<usize>(c);
      let same = true;
      for (let i: usize = 0; i < CONTENT; i += 8) {
        if (load<u64>(p + i) != load<u64>(q + i)) {
          same = false;
          break;
        }
      }
      if (same) return e - 1;
    }
    e = c.next;
  }
  const n = free ? free - 1 : records;
  if (free) {
    free = at(n).next;
    freed--;
  } else {
    const end = RECORDS + (<usize>(n + 1)) * STRIDE;
    const have = <usize>memory.size() << 16;
    if (end > have) memory.grow(max<i32>(1, <i32>((have >> 16) >> 1)));
    records = n + 1;
  }
  const c = at(n);
  copy(c, r);
  c.next = load<u32>(bucket);
  c.hash = hash;
  store<u32>(bucket, n + 1);
  return n;
}

/** Forgets all records. */
export function reset(): void {
  for (let i: u32 = 0; i < records; i++) {
    store<u32>(BUCKETS + ((<usize>(at(i).hash >> (32 - BUCKET_BITS))) << 2), 0);
  }
  records = 0;
  free = 0;
  freed = 0;
  setKnown(X, 0);
  intern(X); // RANGE_ZERO
  setUnknown(X);
  intern(X); // RANGE_UNKNOWN
}

export function count(): u32 {
  return records - freed;
}

/** Begins to look which records are still wanted: those that are constants of the domain, and those that mark() is told. */
export function beginMark(): void {
  for (let i: u32 = 0; i < records; i++) at(i).next = 0;
  mark(0);
  mark(1);
}

export function mark(h: u32): void {
  at(h).next = MARK;
}

/** Gives back what was not marked: its handles may be given out again, for other records. */
export function sweep(): void {
  memory.fill(BUCKETS, 0, (<usize>4) << BUCKET_BITS);
  free = 0;
  freed = 0;
  for (let i: u32 = 0; i < records; i++) {
    const r = at(i);
    if (r.next == MARK) {
      const bucket = BUCKETS + ((<usize>(r.hash >> (32 - BUCKET_BITS))) << 2);
      r.next = load<u32>(bucket);
      store<u32>(bucket, i + 1);
    } else {
      r.next = free;
      free = i + 1;
      freed++;
    }
  }
}

// ---- records

export function setKnown(r: Rec, value: u64): void {
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
export function setKnown32(r: Rec, value: u64): void {
  r.v = (r.v & HIGH) | (value & LOW);
  r.m = r.m & HIGH;
  r.s32min = <i32>value;
  r.s32max = <i32>value;
  r.u32min = <u32>value;
  r.u32max = <u32>value;
}

export function unbound64(r: Rec): void {
  r.smin = S64_MIN;
  r.smax = S64_MAX;
  r.umin = 0;
  r.umax = U64_MAX;
}

export function unbound32(r: Rec): void {
  r.s32min = S32_MIN;
  r.s32max = S32_MAX;
  r.u32min = 0;
  r.u32max = U32_MAX;
}

export function setUnknown(r: Rec): void {
  r.v = 0;
  r.m = U64_MAX;
  unbound64(r);
  unbound32(r);
}

// @ts-ignore: decorator
@inline
export function takeTnum(r: Rec): void {
  r.v = tv;
  r.m = tm;
}
