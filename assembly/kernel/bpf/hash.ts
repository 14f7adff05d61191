// Jenkins' lookup3, as include/linux/jhash.h uses it for hash maps: words when the key is whole words, else bytes with a
// zero-padded tail. Its result decides the bucket, and so the order in which a hash map is walked.

// @ts-ignore: decorator
@inline
function word(at: usize): u32 {
  return load<u32>(at);
}

/** Up to four bytes as a little-endian word. */
function partial(at: usize, bytes: u32): u32 {
  if (bytes >= 4) return load<u32>(at);
  let value: u32 = 0;
  for (let i: u32 = 0; i < bytes; i++) value |= (<u32>load<u8>(at + i)) << (i << 3);
  return value;
}

/** jhash2 when `size` is a multiple of 4, jhash otherwise: both are this. */
export function jhash(key: usize, size: u32, seed: u32): u32 {
  let a: u32 = 0xdeadbeef + size + seed;
  let b = a;
  let c = a;
  let left = size;
  while (left > 12) {
    a += word(key);
    b += word(key + 4);
    c += word(key + 8);
    a -= c; a ^= rotl<u32>(c, 4); c += b;
    b -= a; b ^= rotl<u32>(a, 6); a += c;
    c -= b; c ^= rotl<u32>(b, 8); b += a;
    a -= c; a ^= rotl<u32>(c, 16); c += b;
    b -= a; b ^= rotl<u32>(a, 19); a += c;
    c -= b; c ^= rotl<u32>(b, 4); b += a;
    left -= 12;
    key += 12;
  }
  if (left == 0) return c;
  a += partial(key, left);
  if (left > 4) b += partial(key + 4, left - 4);
  if (left > 8) c += partial(key + 8, left - 8);
  c ^= b; c -= rotl<u32>(b, 14);
  a ^= c; a -= rotl<u32>(c, 11);
  b ^= a; b -= rotl<u32>(a, 25);
  c ^= b; c -= rotl<u32>(b, 16);
  a ^= c; a -= rotl<u32>(c, 4);
  b ^= a; b -= rotl<u32>(a, 14);
  c ^= b; c -= rotl<u32>(b, 24);
  return c;
}
