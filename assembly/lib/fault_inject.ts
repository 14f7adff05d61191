// lib/fault-inject.c: what the kernel asks for on behalf of a program, and whether it is refused though it could be had.
// src/kernel/fault.ts says what each kind is, and what comes of it.
import {
  M_ALLOC_CALLS, M_ALLOC_FAILED, M_FAIL_KINDS, M_FAIL_LAST, M_FAIL_NTH, M_FAIL_PRNG, M_FAIL_RATE,
} from '../layout';

/** Should this request of a FAIL_ kind be refused? */
export function should_fail(kind: u32): bool {
  const only = load<u32>(M_FAIL_KINDS);
  if (only && !((only >> kind) & 1)) return false;
  atomic.add<u32>(M_ALLOC_CALLS, 1);
  let fail = false;
  if (load<u32>(M_FAIL_NTH)) fail = atomic.sub<u32>(M_FAIL_NTH, 1) == 1;
  const rate = load<u32>(M_FAIL_RATE);
  if (rate) {
    // xorshift64*: the high half is the draw.
    let x = load<u64>(M_FAIL_PRNG);
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    store<u64>(M_FAIL_PRNG, x);
    // All ones stand for "always".
    if (rate == <u32>-1 || <u32>((x * 0x2545f4914f6cdd1d) >> 32) < rate) fail = true;
  }
  if (fail) {
    atomic.add<u32>(M_ALLOC_FAILED, 1);
    store<u32>(M_FAIL_LAST, kind);
  }
  return fail;
}
