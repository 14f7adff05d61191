// Bit searches: lib/find_bit.c and include/linux/find.h. Each gives the number of the bit, or `size` when there is none.

export function find_first_bit(bitmap: usize, size: u32): u32 {
  let base: u32 = 0;
  // Four words at a time, up to those that have a bit.
  for (const blocks = size & ~255; base < blocks; base += 256) {
    const at = bitmap + (base >> 3);
    if (v128.any_true(v128.or(v128.load(at), v128.load(at, 16)))) break;
  }
  for (; base < size; base += 64) {
    const word = load<u64>(bitmap + (base >> 3));
    if (word) return min(base + <u32>ctz(word), size);
  }
  return size;
}

export function find_first_zero_bit(bitmap: usize, size: u32): u32 {
  let base: u32 = 0;
  for (const blocks = size & ~255; base < blocks; base += 256) {
    const at = bitmap + (base >> 3);
    if (v128.any_true(v128.not(v128.and(v128.load(at), v128.load(at, 16))))) break;
  }
  for (; base < size; base += 64) {
    const word = ~load<u64>(bitmap + (base >> 3));
    if (word) return min(base + <u32>ctz(word), size);
  }
  return size;
}

export function find_first_and_bit(a: usize, b: usize, size: u32): u32 {
  let base: u32 = 0;
  for (const blocks = size & ~255; base < blocks; base += 256) {
    const x = a + (base >> 3);
    const y = b + (base >> 3);
    const low = v128.and(v128.load(x), v128.load(y));
    if (v128.any_true(v128.or(low, v128.and(v128.load(x, 16), v128.load(y, 16))))) break;
  }
  for (; base < size; base += 64) {
    const word = load<u64>(a + (base >> 3)) & load<u64>(b + (base >> 3));
    if (word) return min(base + <u32>ctz(word), size);
  }
  return size;
}

/** First bit set at or after `start`. */
export function find_next_bit(bitmap: usize, size: u32, start: u32): u32 {
  if (start >= size) return size;
  let base = start & ~63;
  let word = load<u64>(bitmap + (base >> 3)) & (<u64>-1 << <u64>(start & 63));
  while (!word) {
    base += 64;
    if (base >= size) return size;
    word = load<u64>(bitmap + (base >> 3));
  }
  return min(base + <u32>ctz(word), size);
}

/** First bit set in both at or after `start`. */
export function find_next_and_bit(a: usize, b: usize, size: u32, start: u32): u32 {
  if (start >= size) return size;
  let base = start & ~63;
  let word = load<u64>(a + (base >> 3)) & load<u64>(b + (base >> 3)) & (<u64>-1 << <u64>(start & 63));
  while (!word) {
    base += 64;
    if (base >= size) return size;
    word = load<u64>(a + (base >> 3)) & load<u64>(b + (base >> 3));
  }
  return min(base + <u32>ctz(word), size);
}

/** First bit set at or after `start`, else the first below it. */
export function find_next_bit_wrap(bitmap: usize, size: u32, start: u32): u32 {
  const bit = find_next_bit(bitmap, size, start);
  if (bit < size || start == 0) return bit;
  const wrapped = find_first_bit(bitmap, start);
  return wrapped < start ? wrapped : size;
}

/** The same of a & b. */
export function find_next_and_bit_wrap(a: usize, b: usize, size: u32, start: u32): u32 {
  const bit = find_next_and_bit(a, b, size, start);
  if (bit < size || start == 0) return bit;
  const wrapped = find_first_and_bit(a, b, start);
  return wrapped < start ? wrapped : size;
}
