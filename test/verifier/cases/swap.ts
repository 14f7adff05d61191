import type { VerifierCase } from '../case.ts';

const random = 'call bpf_get_prandom_u32';
/** Reads as far behind a map value as r1 is large, so that the message tells its bounds. */
const tell = 'r2 = map_value(m, 0); r1 &= 0xffff; r2 += r1; r0 = *(u8 *)(r2 + 0); r0 = 0; exit';

const swaps = ['le16', 'le32', 'le64', 'be16', 'be32', 'be64', 'bswap16', 'bswap32', 'bswap64'] as const;

/** Byte swaps of numbers of which bits are known. */
export const swapCases: readonly VerifierCase[] = [
  ...swaps.map(
    (swap): VerifierCase => ({
      name: `swap: ${swap} of a constant`,
      asm: `r1 = 0x1122334455667788 ll; r1 = ${swap} r1; r2 = r1; r2 >>= 16; if r1 == 5 goto +2; r0 = 0; exit; r0 = *(u8 *)(r10 + 0); exit`,
    }),
  ),
  ...swaps.map(
    (swap): VerifierCase => ({
      name: `swap: ${swap} of a byte`,
      maps: { m: { value: 1 } },
      asm: `${random}; r0 &= 0xff; r0 |= 2; r1 = r0; r1 = ${swap} r1; ${tell}`,
    }),
  ),
  { name: 'swap: linked number', asm: `${random}; r1 = r0; r1 = be16 r1; if r0 != 5 goto +1; r2 = r1; r0 = 0; exit` },
];
