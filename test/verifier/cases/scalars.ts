import type { VerifierCase } from '../case.ts';

const random = 'call bpf_get_prandom_u32';
/** r0 = the value of map m. */
const value = '*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map(m); call bpf_map_lookup_elem; if r0 == 0 goto out';

/** Numbers that are linked: copies, and copies with a distance. */
export const scalarCases: readonly VerifierCase[] = [
  // BPF_END: the last access passes only for a number that is known through it.
  {
    name: 'end: constant, swapped',
    maps: { m: {} },
    asm: `r6 = 1; r6 = be16 r6; ${value}; if r6 == 256 goto out; r0 = *(u64 *)(r0 + 8); out: r0 = 0; exit`,
  },
  {
    name: 'end: bits, swapped',
    maps: { m: { value: 16 } },
    asm: `${random}; r6 = r0; r6 <<= 56; r6 = bswap64 r6; r6 >>= 4; ${value}; r0 += r6; r0 = *(u8 *)(r0 + 0); out: r0 = 0; exit`,
  },
  {
    name: 'end: bounds, cut off',
    maps: { m: { value: 6 } },
    asm: `${random}; if r0 > 5 goto out; r6 = r0; r6 = le16 r6; ${value}; r0 += r6; r0 = *(u8 *)(r0 + 0); out: r0 = 0; exit`,
  },
  {
    name: 'end: bounds, swapped',
    maps: { m: { value: 6 } },
    asm: `${random}; if r0 > 5 goto out; r6 = r0; r6 = be64 r6; r6 = be64 r6; ${value}; r0 += r6; r0 = *(u8 *)(r0 + 0); out: r0 = 0; exit`,
  },
  {
    name: 'end: 64 bits as they are stay linked',
    maps: { m: { value: 6 } },
    asm: `${random}; r6 = r0; r7 = r6; r6 = le64 r6; if r7 > 5 goto out; ${value}; r0 += r6; r0 = *(u8 *)(r0 + 0); out: r0 = 0; exit`,
  },
  {
    name: 'end: 64 bits swapped are not linked',
    maps: { m: { value: 6 } },
    asm: `${random}; r6 = r0; r7 = r6; r6 = bswap64 r6; if r7 > 5 goto out; ${value}; r0 += r6; r0 = *(u8 *)(r0 + 0); out: r0 = 0; exit`,
  },
  {
    name: 'link: 32-bit distance',
    asm: `${random}; w0 = w0; w1 = w0; w1 += 4; if w0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  { name: 'link: distance', asm: `${random}; r1 = r0; r1 += 4; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit` },
  {
    name: 'link: negative distance',
    asm: `${random}; r1 = r0; r1 += -4; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: subtracted distance',
    asm: `${random}; r1 = r0; r1 -= 4; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: distance twice',
    asm: `${random}; r1 = r0; r1 += 4; r1 += 4; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: distance of a register',
    asm: `${random}; r1 = r0; r3 = 5; r1 += r3; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: minimum as distance',
    asm: `${random}; r1 = r0; r1 -= -2147483648; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  { name: 'link: dead copy', asm: `${random}; r1 = r0; if r0 > 10 goto out; r2 = r0; out: r0 = 0; exit` },
  { name: 'link: compared with itself', asm: `${random}; if r0 s>= r0 goto out; r0 = 1; out: r0 = 0; exit` },
  {
    name: 'link: 32-bit negative distance',
    asm: `${random}; w0 = w0; w1 = w0; w1 += -4; if w0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: both have a distance',
    asm: `${random}; r1 = r0; r2 = r0; r1 += 4; r2 += 8; if r1 > 10 goto out; r3 = r2; r4 = r0; out: r0 = 0; exit`,
  },
  {
    name: 'link: 32 and 64 bits',
    asm: `${random}; w0 = w0; r1 = r0; w2 = w0; r1 += 4; w2 += 8; if r1 > 10 goto out; r3 = r2; r4 = r0; out: r0 = 0; exit`,
  },
  {
    name: 'link: wide distance',
    asm: `${random}; r1 = r0; r3 = 0x100000000 ll; r1 += r3; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: known by its 32-bit distance',
    asm: `${random}; w0 = w0; w1 = w0; w1 += 4; if w1 > 10 goto out; r2 = r0; out: r0 = 0; exit`,
  },
  {
    name: 'link: 64-bit value known by a 32-bit jump',
    asm: `${random}; r1 = r0; r1 += 4; if w0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: 32-bit distance, subtracted',
    asm: `${random}; w0 = w0; w1 = w0; w1 -= 4; if w0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: 32-bit distance of a 64-bit value',
    asm: `${random}; r1 = r0; w1 += 4; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: distance of itself',
    asm: `${random}; r1 = r0; r1 += r1; if r0 > 10 goto out; r2 = r1; out: r0 = 0; exit`,
  },
  {
    name: 'link: moved at a distance',
    asm: `${random}; r1 = r0; r1 += 4; r2 = r1; if r0 > 10 goto out; r3 = r1; r4 = r2; out: r0 = 0; exit`,
  },
  {
    name: 'link: spilled',
    asm: `${random}; r1 = r0; r1 += 4; *(u64 *)(r10 - 8) = r1; if r0 > 10 goto out; r3 = *(u64 *)(r10 - 8); out: r0 = 0; exit`,
  },
];
