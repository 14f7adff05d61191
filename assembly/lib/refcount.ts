// refcount_t: include/linux/refcount.h and lib/refcount.c. A counter that would overflow, or is used after it reached 0,
// saturates: it then stays far from 0, and the object is never freed.
import {
  WARN_REFCOUNT_ADD_OVF,
  WARN_REFCOUNT_ADD_UAF,
  WARN_REFCOUNT_DEC_LEAK,
  WARN_REFCOUNT_SUB_UAF,
} from '../layout';
import { warn } from '../kernel/warn';

/** INT_MIN / 2. */
const REFCOUNT_SATURATED: i32 = -1073741824;

// Not inlined: the paths that never happen in a sound program.
function refcount_warn_saturate(r: usize, kind: u32): void {
  atomic.store<i32>(r, REFCOUNT_SATURATED);
  warn(kind, <u32>r, 0);
}

// For an object that nobody else knows yet: a plain store, as in the kernel.
// @ts-ignore: decorator
@inline
export function refcount_set(r: usize, n: i32): void {
  store<i32>(r, n);
}

export function refcount_inc(r: usize): void {
  const old = atomic.add<i32>(r, 1);
  if (old == 0) refcount_warn_saturate(r, WARN_REFCOUNT_ADD_UAF);
  else if (old < 0 || old + 1 < 0) refcount_warn_saturate(r, WARN_REFCOUNT_ADD_OVF);
}

/** Adds 1 unless the count is 0; tells whether it did. */
export function refcount_inc_not_zero(r: usize): bool {
  let old = atomic.load<i32>(r);
  for (;;) {
    if (old == 0) return false;
    const seen = atomic.cmpxchg<i32>(r, old, old + 1);
    if (seen == old) break;
    old = seen;
  }
  if (old < 0 || old + 1 < 0) refcount_warn_saturate(r, WARN_REFCOUNT_ADD_OVF);
  return true;
}

/** Subtracts 1; true when that was the last reference. */
export function refcount_dec_and_test(r: usize): bool {
  const old = atomic.sub<i32>(r, 1);
  if (old == 1) return true;
  if (old <= 0) refcount_warn_saturate(r, WARN_REFCOUNT_SUB_UAF);
  return false;
}

/** Subtracts 1 where it cannot be the last reference. */
export function refcount_dec(r: usize): void {
  const old = atomic.sub<i32>(r, 1);
  if (old <= 1) refcount_warn_saturate(r, WARN_REFCOUNT_DEC_LEAK);
}
