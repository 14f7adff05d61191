// Bitmaps of 64-bit words: include/linux/bitmap.h and lib/bitmap.c. Whole words are written, as the kernel does; only `and`
// and the queries mask the last word. No operation here is atomic.

/** Words that hold `bits` bits. */
// @ts-ignore: decorator
@inline
export function bits_to_longs(bits: u32): u32 {
  return (bits + 63) >> 6;
}

/** Bits of the last word that lie below `bits`; all ones when that fills it. */
// @ts-ignore: decorator
@inline
export function bitmap_last_word_mask(bits: u32): u64 {
  return <u64>-1 >> <u64>(-bits & 63);
}

// Bytes of the words of `bits` that lie before the last, possibly partial, one.
// @ts-ignore: decorator
@inline
function whole_bytes(bits: u32): usize {
  return (bits >> 6) << 3;
}

/** Longer runs than this go through memory.fill and memory.copy, whose call costs more than a loop. */
const BULK_BYTES: usize = 768;

// Every word of `bytes` the same.
// @ts-ignore: decorator
@inline
function fill(dst: usize, word: u64, bytes: usize): void {
  if (bytes > BULK_BYTES) {
    memory.fill(dst, <u8>word, bytes);
    return;
  }
  const pair = v128.splat<u64>(word);
  let i: usize = 0;
  for (const quads = bytes & ~63; i < quads; i += 64) {
    v128.store(dst + i, pair);
    v128.store(dst + i, pair, 16);
    v128.store(dst + i, pair, 32);
    v128.store(dst + i, pair, 48);
  }
  for (; i < bytes; i += 8) store<u64>(dst + i, word);
}

export function bitmap_zero(dst: usize, bits: u32): void {
  fill(dst, 0, bits_to_longs(bits) << 3);
}

export function bitmap_fill(dst: usize, bits: u32): void {
  fill(dst, <u64>-1, bits_to_longs(bits) << 3);
}

export function bitmap_copy(dst: usize, src: usize, bits: u32): void {
  const bytes: usize = bits_to_longs(bits) << 3;
  if (bytes > BULK_BYTES) {
    memory.copy(dst, src, bytes);
    return;
  }
  let i: usize = 0;
  for (const quads = bytes & ~63; i < quads; i += 64) {
    v128.store(dst + i, v128.load(src + i));
    v128.store(dst + i, v128.load(src + i, 16), 16);
    v128.store(dst + i, v128.load(src + i, 32), 32);
    v128.store(dst + i, v128.load(src + i, 48), 48);
  }
  for (; i < bytes; i += 8) store<u64>(dst + i, load<u64>(src + i));
}

/** dst = a & b below `bits`, the rest of the last word cleared; tells whether anything is left. */
export function bitmap_and(dst: usize, a: usize, b: usize, bits: u32): bool {
  const whole = whole_bytes(bits);
  let any: u64 = 0;
  let i: usize = 0;
  if (whole >= 32) {
    let acc = v128.splat<u64>(0);
    for (const pairs = whole & ~15; i < pairs; i += 16) {
      const word = v128.and(v128.load(a + i), v128.load(b + i));
      v128.store(dst + i, word);
      acc = v128.or(acc, word);
    }
    any = v128.any_true(acc) ? 1 : 0;
  }
  for (; i < whole; i += 8) {
    const word = load<u64>(a + i) & load<u64>(b + i);
    store<u64>(dst + i, word);
    any |= word;
  }
  if (bits & 63) {
    const word = load<u64>(a + whole) & load<u64>(b + whole) & bitmap_last_word_mask(bits);
    store<u64>(dst + whole, word);
    any |= word;
  }
  return any != 0;
}

export function bitmap_or(dst: usize, a: usize, b: usize, bits: u32): void {
  const bytes: usize = bits_to_longs(bits) << 3;
  let i: usize = 0;
  for (const pairs = bytes & ~15; i < pairs; i += 16) {
    v128.store(dst + i, v128.or(v128.load(a + i), v128.load(b + i)));
  }
  if (i < bytes) store<u64>(dst + i, load<u64>(a + i) | load<u64>(b + i));
}

export function bitmap_xor(dst: usize, a: usize, b: usize, bits: u32): void {
  const bytes: usize = bits_to_longs(bits) << 3;
  let i: usize = 0;
  for (const pairs = bytes & ~15; i < pairs; i += 16) {
    v128.store(dst + i, v128.xor(v128.load(a + i), v128.load(b + i)));
  }
  if (i < bytes) store<u64>(dst + i, load<u64>(a + i) ^ load<u64>(b + i));
}

export function bitmap_equal(a: usize, b: usize, bits: u32): bool {
  const whole = whole_bytes(bits);
  let i: usize = 0;
  for (const quads = whole & ~31; i < quads; i += 32) {
    const low = v128.xor(v128.load(a + i), v128.load(b + i));
    const high = v128.xor(v128.load(a + i, 16), v128.load(b + i, 16));
    if (v128.any_true(v128.or(low, high))) return false;
  }
  for (; i < whole; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  if (!(bits & 63)) return true;
  return ((load<u64>(a + whole) ^ load<u64>(b + whole)) & bitmap_last_word_mask(bits)) == 0;
}

export function bitmap_intersects(a: usize, b: usize, bits: u32): bool {
  const whole = whole_bytes(bits);
  let i: usize = 0;
  for (const quads = whole & ~31; i < quads; i += 32) {
    const low = v128.and(v128.load(a + i), v128.load(b + i));
    const high = v128.and(v128.load(a + i, 16), v128.load(b + i, 16));
    if (v128.any_true(v128.or(low, high))) return true;
  }
  for (; i < whole; i += 8) if (load<u64>(a + i) & load<u64>(b + i)) return true;
  if (!(bits & 63)) return false;
  return (load<u64>(a + whole) & load<u64>(b + whole) & bitmap_last_word_mask(bits)) != 0;
}

/** Is every bit of a set in b? */
export function bitmap_subset(a: usize, b: usize, bits: u32): bool {
  const whole = whole_bytes(bits);
  let i: usize = 0;
  for (const quads = whole & ~31; i < quads; i += 32) {
    const low = v128.andnot(v128.load(a + i), v128.load(b + i));
    const high = v128.andnot(v128.load(a + i, 16), v128.load(b + i, 16));
    if (v128.any_true(v128.or(low, high))) return false;
  }
  for (; i < whole; i += 8) if (load<u64>(a + i) & ~load<u64>(b + i)) return false;
  if (!(bits & 63)) return true;
  return (load<u64>(a + whole) & ~load<u64>(b + whole) & bitmap_last_word_mask(bits)) == 0;
}

export function bitmap_weight(src: usize, bits: u32): u32 {
  const whole = whole_bytes(bits);
  let count: u64 = 0;
  let i: usize = 0;
  for (const quads = whole & ~31; i < quads; i += 32) {
    const low = popcnt(load<u64>(src + i)) + popcnt(load<u64>(src + i, 8));
    count += low + popcnt(load<u64>(src + i, 16)) + popcnt(load<u64>(src + i, 24));
  }
  for (; i < whole; i += 8) count += popcnt(load<u64>(src + i));
  if (bits & 63) count += popcnt(load<u64>(src + whole) & bitmap_last_word_mask(bits));
  return <u32>count;
}

/** set_bit and friends: atomic on the 32 bits around the bit, which on a little-endian machine is the same bit. */
// @ts-ignore: decorator
@inline
export function set_bit(bit: u32, bitmap: usize): void {
  atomic.or<u32>(bitmap + ((bit >> 5) << 2), 1 << (bit & 31));
}

// @ts-ignore: decorator
@inline
export function clear_bit(bit: u32, bitmap: usize): void {
  atomic.and<u32>(bitmap + ((bit >> 5) << 2), ~(1 << (bit & 31)));
}

// @ts-ignore: decorator
@inline
export function test_bit(bit: u32, bitmap: usize): bool {
  return ((load<u32>(bitmap + ((bit >> 5) << 2)) >> (bit & 31)) & 1) != 0;
}

// @ts-ignore: decorator
@inline
export function test_and_set_bit(bit: u32, bitmap: usize): bool {
  const old = atomic.or<u32>(bitmap + ((bit >> 5) << 2), 1 << (bit & 31));
  return ((old >> (bit & 31)) & 1) != 0;
}

// @ts-ignore: decorator
@inline
export function test_and_clear_bit(bit: u32, bitmap: usize): bool {
  const old = atomic.and<u32>(bitmap + ((bit >> 5) << 2), ~(1 << (bit & 31)));
  return ((old >> (bit & 31)) & 1) != 0;
}
