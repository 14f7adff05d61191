/** Random plain instructions that any verifier accepts: arithmetic, jumps, stack accesses and atomics on numbers. */
import type { Random } from '../../../src/random.ts';
import { encodeInsns, op } from '../../../src/uapi/asm.ts';
import { formatInsn, type InsnFields, type InsnRow, Insns, insnRows } from '../../../src/uapi/insn.ts';
import { IMMS } from '../../conformance/oracle.ts';

const FORMS = ['alu', 'neg', 'end', 'movsx', 'jmp', 'load', 'store', 'storeImm', 'atomic', 'ja'] as const;
const rows = insnRows.filter((row) => (FORMS as readonly string[]).includes(row.form) && row.op !== 'gotol');

/** Bytes of stack that the instructions work on, below r10. */
export const STACK = 32;

/** An imm that the verifier lets pass: no shift beyond the width, no division by zero. */
function immFor(row: InsnRow, random: Random): number {
  const imm = random.pick(IMMS);
  if (/^(lsh|rsh|arsh)/.test(row.op)) return imm & (row.bits - 1);
  return /^s?(div|mod)/.test(row.op) && imm === 0 ? 3 : imm;
}

/** One of them on r0 to r9, which all hold numbers; it jumps over at most `left` others. */
export function randomInsn(random: Random, left: number): InsnFields {
  const row = random.pick(rows);
  const fields = { dst: random.below(10), src: random.below(10), imm: immFor(row, random) };
  const off = -8 * (1 + random.below(STACK / 8));
  switch (row.form) {
    case 'load':
      return op(row.op, { dst: fields.dst, src: 10, off });
    case 'store':
      return op(row.op, { dst: 10, src: fields.src, off });
    case 'storeImm':
      return op(row.op, { dst: 10, imm: fields.imm, off });
    case 'atomic':
      return op(row.op, { dst: 10, src: fields.src, off });
    case 'ja':
      return op(row.op); // one that skips would leave dead code, which the kernel refuses
    case 'jmp':
      return op(row.op, {
        dst: fields.dst,
        off: random.below(Math.min(left, 4)),
        ...(row.source === 'imm' ? { imm: fields.imm } : { src: fields.src }),
      });
    case 'neg':
    case 'end':
      return op(row.op, { dst: fields.dst });
    default:
      return op(
        row.op,
        row.source === 'imm' ? { dst: fields.dst, imm: fields.imm } : { dst: fields.dst, src: fields.src },
      );
  }
}

/** One a line, as the verifier log prints them and the assembler reads them. */
export function listing(bytes: Uint8Array): string[] {
  const insns = new Insns(bytes);
  return Array.from({ length: insns.length }, (_, i) => formatInsn(insns, i));
}

/** `count` of them as text. */
export function randomInsns(random: Random, count: number): string[] {
  return listing(encodeInsns(Array.from({ length: count }, (_, i) => randomInsn(random, count - i))));
}
