/** Programs for the JIT by name: as large as programs may be, or of a structure that is hard to find. They run as they are, with r1 = 5. */
import { assemble, encodeInsns, op } from '../../src/uapi/asm.ts';
import type { InsnFields } from '../../src/uapi/insn.ts';

/** A million instructions are as much as a program may have. */
const MOST = 1_000_000;
/** Farthest that a jump leads. */
const FAR = 32_767;

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const many = (count: number, insn: (i: number) => InsnFields): Uint8Array =>
  encodeInsns(Array.from({ length: count }, (_, i) => insn(i)));
const begin = assemble('r0 = 0; r6 = r1');
const leave = assemble('exit');
const add = op('add64_imm', { dst: 0, imm: 1 });
/** if r6 == value: never, with r6 = 5 and other values. */
const when = (value: number, off: number): InsnFields => op('jeq64_imm', { dst: 6, imm: value, off });

/** Branches that lead into the loops around them, past their beginning. */
const tangled = (count: number): Uint8Array =>
  join(
    begin,
    many(count, (i) => when(6, i % 3 === 0 ? Math.min(count - i - 1, 5) : i % 3 === 1 ? -Math.min(i, 4) : 1)),
    assemble('exit; exit'),
  );

const nested = (depth: number): Uint8Array =>
  join(
    begin,
    many(depth, () => add),
    many(depth, (i) => when(6, -2 * i - 2)),
    leave,
  );

export const jitShapes: Readonly<Record<string, () => Uint8Array>> = {
  'a million instructions': () =>
    join(
      begin,
      many(MOST - 3, () => add),
      leave,
    ),
  'a million numbers of 64 bits': () =>
    join(
      begin,
      many(MOST - 4, (i) => (i % 2 ? { code: 0, imm: i } : { code: 0x18, dst: 1, imm: i })),
      leave,
    ),
  'a million instructions that take much code': () =>
    join(
      begin,
      many(MOST - 3, () => op('smod64_reg', { dst: 0, src: 6 })),
      leave,
    ),
  'a million branches forward': () =>
    join(
      begin,
      many(MOST - 3, (i) => when(6, Math.min(MOST - 4 - i, 1 + ((i * 7919) % FAR)))),
      leave,
    ),
  'a million branches back': () =>
    join(
      begin,
      many(MOST - 3, (i) => when(6, -1 - Math.min(i, (i * 7919) % FAR))),
      leave,
    ),
  '100,000 branches forward': () =>
    join(
      begin,
      many(100_000, (i) => when(6, Math.min(99_999 - i, 1 + ((i * 7919) % FAR)))),
      leave,
    ),
  '100,000 loops': () =>
    join(
      begin,
      many(200_000, (i) => (i % 2 ? when(6, -2) : add)),
      leave,
    ),
  'loops within loops, 16,000 deep': () => nested(16_000),
  'loops within loops, 250 deep': () => nested(250),
  '30,000 small loops with two entries': () => tangled(90_000),
  'a loop with 15,000 entries': () =>
    join(
      begin,
      many(15_000, () => when(6, 14_999)),
      many(15_000, () => add),
      many(15_000, (i) => when(6, -2 * i - 2)),
      leave,
    ),
  'a loop with 200 entries': () =>
    join(
      begin,
      many(200, (i) => when(6, 200 - i + 2 * i)),
      many(400, (i) => (i % 2 ? when(6, 0) : add)),
      many(1, () => when(6, -400)),
      leave,
    ),
};
