import type { VerifierCase } from '../case.ts';

const random = 'call bpf_get_prandom_u32';

/** Numbers that are linked: copies, and copies with a distance. */
export const scalarCases: readonly VerifierCase[] = [
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
