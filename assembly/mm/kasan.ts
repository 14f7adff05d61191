// Shadow memory: one byte per 8 bytes says how much of them may be accessed, and why not (layout.ts, SHADOW_).
import { M_MEMORY_LIMIT, NULL_GUARD, SHADOW, SHADOW_CTX, SHADOW_FULL, SHADOW_READONLY } from '../layout';

// @ts-ignore: decorator
@inline
function shadow_of(off: usize): usize {
  return <usize>SHADOW + (off >> 3);
}

/** A byte times this is that byte eight times. */
const EACH: u64 = 0x0101010101010101;

/** Up to here a loop is quicker than memory.fill, which is a call out of the module. */
const LOOP_BYTES: usize = 128;

// @ts-ignore: decorator
@inline
function fill(at: usize, value: u32, count: usize): void {
  if (count > LOOP_BYTES) {
    memory.fill(at, <u8>value, count);
    return;
  }
  const word = <u64>(value & 0xff) * EACH;
  const end = at + count;
  for (; at + 8 <= end; at += 8) store<u64>(at, word);
  for (; at < end; at++) store<u8>(at, <u8>value);
}

/** Sets the shadow of [off, off + size), both multiples of 8. */
export function kasan_poison(off: usize, size: usize, value: u32): void {
  fill(shadow_of(off), value, size >> 3);
}

/** Makes exactly `size` bytes at `off` (a multiple of 8) accessible; the rest of the last granule is not. */
export function kasan_unpoison(off: usize, size: usize): void {
  fill(shadow_of(off), SHADOW_FULL, size >> 3);
  const tail = <u8>(size & 7);
  if (tail) store<u8>(shadow_of(off + size), tail);
}

/** As kasan_unpoison, for reading only. */
export function kasan_unpoison_readonly(off: usize, size: usize): void {
  fill(shadow_of(off), SHADOW_FULL | SHADOW_READONLY, size >> 3);
  const tail = <u8>(size & 7);
  if (tail) store<u8>(shadow_of(off + size), tail | SHADOW_READONLY);
}

// The bytes of a granule that may be read (written): 0 when none.
// @ts-ignore: decorator
@inline
function readable(shadow: u32, write: bool): u32 {
  if (shadow & 0x80) return 0;
  if (write && (shadow & SHADOW_READONLY)) return 0;
  return shadow & 15;
}

/** May a program access `size` bytes at `off`? */
export function kasan_ok(off: usize, size: u32, write: bool): bool {
  const limit: usize = load<u32>(M_MEMORY_LIMIT);
  if (off < <usize>NULL_GUARD || off >= limit || <usize>size > limit - off) return false;
  if (!size) return true;
  const last = off + size - 1;
  let granule = off >> 3;
  const end = last >> 3;
  // Eight granules at once, as long as nothing is to be decided: masks have a hundred of them.
  const ignored: u64 = (write ? SHADOW_CTX : SHADOW_CTX | SHADOW_READONLY) * EACH;
  while (granule + 8 <= end && (load<u64>(<usize>SHADOW + granule) & ~ignored) == SHADOW_FULL * EACH) granule += 8;
  for (; granule < end; granule++) {
    if (readable(load<u8>(<usize>SHADOW + granule), write) != SHADOW_FULL) return false;
  }
  return <u32>(last & 7) < readable(load<u8>(<usize>SHADOW + end), write);
}

/** Shadow byte of the first granule at or after `off` that refuses an access of `size` bytes; for reports. */
export function kasan_reason(off: usize, size: u32, write: bool): u32 {
  const limit: usize = load<u32>(M_MEMORY_LIMIT);
  if (off < <usize>NULL_GUARD || off >= limit || <usize>size > limit - off) return 0;
  let at = off;
  const end = off + size;
  while (at < end) {
    const shadow = <u32>load<u8>(<usize>SHADOW + (at >> 3));
    const next = min((at | 7) + 1, end);
    if (<u32>((next - 1) & 7) >= readable(shadow, write)) return shadow;
    at = next;
  }
  return SHADOW_FULL;
}
