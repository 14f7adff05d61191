/** Arithmetic, byte order and conditions. */

import type { InsnRow } from '../../uapi/insn.ts';
import * as uapi from '../../uapi/insn.ts';
import type { FunctionEmitter } from './emitter.ts';
import { I32, I64, OP } from './opcodes.ts';

type Pair = readonly [bits32: number, bits64: number];
type Table = Readonly<Record<number, Pair>>;

/** Operators that WebAssembly has as they are; shifts of both take the count modulo the width. */
const OPERATORS: Table = {
  [uapi.BPF_ADD]: [OP['i32.add'], OP['i64.add']],
  [uapi.BPF_SUB]: [OP['i32.sub'], OP['i64.sub']],
  [uapi.BPF_MUL]: [OP['i32.mul'], OP['i64.mul']],
  [uapi.BPF_OR]: [OP['i32.or'], OP['i64.or']],
  [uapi.BPF_AND]: [OP['i32.and'], OP['i64.and']],
  [uapi.BPF_XOR]: [OP['i32.xor'], OP['i64.xor']],
  [uapi.BPF_LSH]: [OP['i32.shl'], OP['i64.shl']],
  [uapi.BPF_RSH]: [OP['i32.shr_u'], OP['i64.shr_u']],
  [uapi.BPF_ARSH]: [OP['i32.shr_s'], OP['i64.shr_s']],
};

const DIVISIONS: Readonly<Record<string, Pair>> = {
  div: [OP['i32.div_u'], OP['i64.div_u']],
  mod: [OP['i32.rem_u'], OP['i64.rem_u']],
  sdiv: [OP['i32.div_s'], OP['i64.div_s']],
  smod: [OP['i32.rem_s'], OP['i64.rem_s']],
};

const pick = (pair: Pair, bits: number): number => pair[bits === 32 ? 0 : 1];

/** Pushes a register or the immediate of instruction `i` with the row's width. */
function operand(f: FunctionEmitter, i: number, row: InsnRow): void {
  if (row.source === 'reg') getWide(f, f.insns.src[i] as number, row.bits);
  else constant(f, f.insns.imm[i] as number, row.bits);
}

function getWide(f: FunctionEmitter, register: number, bits: number): void {
  if (bits === 32) f.get32(register);
  else f.get(register);
}

function setWide(f: FunctionEmitter, register: number, bits: number): void {
  if (bits === 32) f.set32(register);
  else f.set(register);
}

function constant(f: FunctionEmitter, value: number, bits: number): void {
  if (bits === 32) f.code.i32(value);
  else f.code.i64(value);
}

const ZERO: Pair = [OP['i32.eqz'], OP['i64.eqz']];
const ADD: Pair = [OP['i32.add'], OP['i64.add']];
const SUB: Pair = [OP['i32.sub'], OP['i64.sub']];
const AT_MOST: Pair = [OP['i32.le_u'], OP['i64.le_u']];

/** Division by a number that is known. */
function divideBy(f: FunctionEmitter, dst: number, by: number, name: string, bits: number): void {
  const { code } = f;
  const remainder = name.endsWith('mod');
  const negates = by === -1 && name.startsWith('s');
  if (by === 0 ? remainder : false) getWide(f, dst, bits);
  else if (by === 0 || (negates && remainder)) constant(f, 0, bits);
  else if (negates) {
    constant(f, 0, bits);
    getWide(f, dst, bits);
    code.op(pick(SUB, bits));
  } else {
    getWide(f, dst, bits);
    constant(f, by, bits);
    code.op(pick(DIVISIONS[name] as Pair, bits));
  }
  setWide(f, dst, bits);
}

/** By zero gives 0, the remainder of it leaves the dividend; MIN / -1 wraps, where WebAssembly would trap. */
function divide(f: FunctionEmitter, i: number, row: InsnRow): void {
  const { code, insns } = f;
  const dst = insns.dst[i] as number;
  const { bits } = row;
  const name = row.op.slice(0, row.op.indexOf(`${bits}_`));
  if (row.source === 'imm') {
    divideBy(f, dst, insns.imm[i] as number, name, bits);
    return;
  }
  const type = bits === 32 ? I32 : I64;
  const by = f.take(type);
  const remainder = name.endsWith('mod');
  operand(f, i, row);
  code.tee(by);
  if (row.signed) {
    constant(f, 1, bits);
    code.op(pick(ADD, bits));
    constant(f, 1, bits);
    code.op(pick(AT_MOST, bits));
  } else code.op(pick(ZERO, bits));
  code.open(OP.if, type);
  if (!row.signed && !remainder) constant(f, 0, bits);
  else if (!row.signed) getWide(f, dst, bits);
  else {
    // -1 or 0: the dividend times that, or what is left of it.
    if (remainder) {
      getWide(f, dst, bits);
      constant(f, 0, bits);
      code.get(by).op(pick(ZERO, bits)).op(OP.select);
    } else {
      getWide(f, dst, bits);
      code.get(by).op(pick(OPERATORS[uapi.BPF_MUL] as Pair, bits));
    }
  }
  code.else();
  getWide(f, dst, bits);
  code
    .get(by)
    .op(pick(DIVISIONS[name] as Pair, bits))
    .end();
  setWide(f, dst, bits);
  f.release(type, by);
}

export function emitAlu(f: FunctionEmitter, i: number, row: InsnRow): void {
  const dst = f.insns.dst[i] as number;
  const { operator, bits } = row;
  if (operator === uapi.BPF_DIV || operator === uapi.BPF_MOD) {
    divide(f, i, row);
    return;
  }
  if (operator === uapi.BPF_MOV) {
    operand(f, i, row);
  } else {
    getWide(f, dst, bits);
    operand(f, i, row);
    f.code.op(pick(OPERATORS[operator] as Pair, bits));
  }
  setWide(f, dst, bits);
}

export function emitNeg(f: FunctionEmitter, i: number, { bits }: InsnRow): void {
  const dst = f.insns.dst[i] as number;
  constant(f, 0, bits);
  getWide(f, dst, bits);
  f.code.op(pick(SUB, bits));
  setWide(f, dst, bits);
}

const EXTEND: Readonly<Record<number, Pair>> = {
  8: [OP['i32.extend8_s'], OP['i64.extend8_s']],
  16: [OP['i32.extend16_s'], OP['i64.extend16_s']],
  32: [OP.nop, OP['i64.extend32_s']],
};

export function emitMovsx(f: FunctionEmitter, i: number, row: InsnRow): void {
  getWide(f, f.insns.src[i] as number, row.bits);
  f.code.op(pick(EXTEND[row.off as number] as Pair, row.bits));
  setWide(f, f.insns.dst[i] as number, row.bits);
}

/** Swaps the bytes of the i32 on the stack. */
export function swap32(f: FunctionEmitter): void {
  const x = f.take(I32);
  f.code.tee(x).i32(0x00ff00ff).op(OP['i32.and']).i32(8).op(OP['i32.rotr']);
  f.code.get(x).i32(0xff00ff00).op(OP['i32.and']).i32(8).op(OP['i32.rotl']).op(OP['i32.or']);
  f.release(I32, x);
}

/** Swaps the two low bytes of the i32 on the stack; the others are lost. */
export function swap16(f: FunctionEmitter): void {
  swap32(f);
  f.code.i32(16).op(OP['i32.shr_u']);
}

/** Exchanges neighbouring parts of `by` bits in the i64 on the stack. */
function exchange(f: FunctionEmitter, by: number, mask: number): void {
  const x = f.take(I64);
  const { code } = f;
  code.tee(x).i64(mask, mask).op(OP['i64.and']).i64(by).op(OP['i64.shl']);
  code.get(x).i64(by).op(OP['i64.shr_u']).i64(mask, mask).op(OP['i64.and']).op(OP['i64.or']);
  f.release(I64, x);
}

export function emitEnd(f: FunctionEmitter, i: number, row: InsnRow): void {
  const { code, insns } = f;
  const dst = insns.dst[i] as number;
  if (row.op === 'le64') return;
  if (row.op === 'le16') {
    f.get(dst).i64(0xffff).op(OP['i64.and']);
    f.set(dst);
  } else if (row.op === 'le32') {
    f.get32(dst);
    f.set32(dst);
  } else if (row.bits === 64) {
    f.get(dst);
    exchange(f, 8, 0x00ff00ff);
    exchange(f, 16, 0x0000ffff);
    code.i64(32).op(OP['i64.rotl']);
    f.set(dst);
  } else {
    f.get32(dst);
    if (row.bits === 16) swap16(f);
    else swap32(f);
    f.set32(dst);
  }
}

const CONDITIONS: Table = {
  [uapi.BPF_JEQ]: [OP['i32.eq'], OP['i64.eq']],
  [uapi.BPF_JNE]: [OP['i32.ne'], OP['i64.ne']],
  [uapi.BPF_JGT]: [OP['i32.gt_u'], OP['i64.gt_u']],
  [uapi.BPF_JGE]: [OP['i32.ge_u'], OP['i64.ge_u']],
  [uapi.BPF_JLT]: [OP['i32.lt_u'], OP['i64.lt_u']],
  [uapi.BPF_JLE]: [OP['i32.le_u'], OP['i64.le_u']],
  [uapi.BPF_JSGT]: [OP['i32.gt_s'], OP['i64.gt_s']],
  [uapi.BPF_JSGE]: [OP['i32.ge_s'], OP['i64.ge_s']],
  [uapi.BPF_JSLT]: [OP['i32.lt_s'], OP['i64.lt_s']],
  [uapi.BPF_JSLE]: [OP['i32.le_s'], OP['i64.le_s']],
};

/** Leaves an i32 that is not 0 when the jump at `i` is taken. */
export function emitCondition(f: FunctionEmitter, i: number, row: InsnRow): void {
  const { code, insns } = f;
  const { operator, bits } = row;
  getWide(f, insns.dst[i] as number, bits);
  if (row.source === 'imm' && insns.imm[i] === 0 && (operator === uapi.BPF_JEQ || operator === uapi.BPF_JNE)) {
    code.op(pick(ZERO, bits));
    if (operator === uapi.BPF_JNE) code.op(OP['i32.eqz']);
    return;
  }
  operand(f, i, row);
  if (operator !== uapi.BPF_JSET) {
    code.op(pick(CONDITIONS[operator] as Pair, bits));
    return;
  }
  code.op(pick(OPERATORS[uapi.BPF_AND] as Pair, bits));
  if (bits === 64) code.i64(0).op(OP['i64.ne']);
}
