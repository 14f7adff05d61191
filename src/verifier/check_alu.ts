/** ALU instructions (check_alu_op): scalars here, pointers in check_ptr_alu.ts. */
import { PTR_TO_ARENA, SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_ADDR_SPACE_CAST } from '../uapi/insn.ts';
import { markChainPrecision } from './backtrack.ts';
import { adjustPtrMinMaxVals } from './check_ptr_alu.ts';
import type { Env, Insn } from './env.ts';
import { pushStack } from './frames.ts';
import { msg } from './messages.ts';
import { RANGE_ZERO, range } from './range.ts';
import { BPF_ADD_CONST, BPF_ADD_CONST32, BPF_ADD_CONST64, DEF_NOT_SUBREG, RegState } from './reg_state.ts';
import {
  assignScalarIdBeforeMov,
  boundsSanityCheck,
  checkRegArg,
  clearScalarId,
  DST_OP,
  DST_OP_NO_MARK,
  isPointerValue,
  markRegUnknown,
  SRC_OP,
} from './regs.ts';
import { sanitizeValAlu } from './sanitize.ts';

const ADD = 0x00;
const SUB = 0x10;
const DIV = 0x30;
const OR = 0x40;
const AND = 0x50;
const LSH = 0x60;
const RSH = 0x70;
const NEG = 0x80;
const MOD = 0x90;
const MOV = 0xb0;
const ARSH = 0xc0;
const END = 0xd0;
const ALU64 = 7;

/** bpf_alu_string */
const OPERATORS = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', 'neg', '%=', '^=', '=', 's>>=', 'endian'];

export function checkAluOp(env: Env, insn: Insn): void {
  const op = insn.code & 0xf0;
  if (op === END || op === NEG) checkUnary(env, insn, op);
  else if (op === MOV) checkMov(env, insn);
  else checkBinary(env, insn, op);
  boundsSanityCheck(env, env.curRegs()[insn.dst] as RegState, 'alu');
}

function checkUnary(env: Env, insn: Insn, op: number): void {
  const wide = (insn.code & 7) === ALU64;
  const byReg = (insn.code & 8) !== 0;
  if (op === NEG) {
    if (byReg || insn.src !== 0 || insn.off !== 0 || insn.imm !== 0) {
      env.reject(errno.EINVAL, msg.reservedFields('BPF_NEG'));
    }
  } else {
    const size = insn.imm === 16 || insn.imm === 32 || insn.imm === 64;
    if (insn.src !== 0 || insn.off !== 0 || !size || (wide && byReg)) {
      env.reject(errno.EINVAL, msg.reservedFields('BPF_END'));
    }
  }
  checkRegArg(env, insn.dst, SRC_OP);
  const dst = env.curRegs()[insn.dst] as RegState;
  if (isPointerValue(env.allowPtrLeaks, dst)) env.reject(errno.EACCES, msg.pointerArithmetic(insn.dst));
  if (dst.type !== SCALAR_VALUE) {
    checkRegArg(env, insn.dst, DST_OP);
    return;
  }
  checkRegArg(env, insn.dst, DST_OP_NO_MARK);
  if (op === END) {
    byteSwap(insn, dst, wide);
  } else {
    adjustScalar(env, insn, dst, dst.val);
    clearScalarId(dst);
  }
}

/** scalar_byte_swap: bswap always swaps, le and be as a little-endian machine does. */
function byteSwap(insn: Insn, dst: RegState, wide: boolean): void {
  const reverse = wide || (insn.code & 8) !== 0;
  if (reverse || insn.imm !== 64) clearScalarId(dst);
  dst.val = range.swap(dst.val, insn.imm / 8, reverse ? 1 : 0);
}

function checkMov(env: Env, insn: Insn): void {
  const wide = (insn.code & 7) === ALU64;
  const byReg = (insn.code & 8) !== 0;
  const { off } = insn;
  if (byReg) {
    if (wide && off === BPF_ADDR_SPACE_CAST) {
      if (insn.imm !== 1 && insn.imm !== 0x10000) env.reject(errno.EINVAL, msg.addrSpaceCastSpaces());
      if (!env.maps.some((map) => map.type === 'arena')) env.reject(errno.EINVAL, msg.addrSpaceCastNoArena());
    } else if ((off !== 0 && off !== 8 && off !== 16 && !(wide && off === 32)) || insn.imm) {
      env.reject(errno.EINVAL, msg.reservedFields('BPF_MOV'));
    }
    checkRegArg(env, insn.src, SRC_OP);
  } else if (insn.src !== 0 || off !== 0) {
    env.reject(errno.EINVAL, msg.reservedFields('BPF_MOV'));
  }
  checkRegArg(env, insn.dst, DST_OP_NO_MARK);
  const regs = env.curRegs();
  const dst = regs[insn.dst] as RegState;
  if (!byReg) {
    dst.markKnown(wide ? range.knownS32(insn.imm) : range.known(insn.imm, 0));
    dst.precise = !env.bpfCapable;
    return;
  }
  const src = regs[insn.src] as RegState;
  if (wide) movWide(env, insn, dst, src);
  else movNarrow(env, insn, dst, src);
}

function movWide(env: Env, insn: Insn, dst: RegState, src: RegState): void {
  const regs = env.curRegs();
  if (insn.imm) {
    markRegUnknown(env, regs, insn.dst);
    if (insn.imm === 1) {
      dst.type = PTR_TO_ARENA;
      dst.subregDef = env.insnIdx + 1;
    }
  } else if (insn.off === 0) {
    assignScalarIdBeforeMov(env, src);
    dst.assign(src);
    dst.subregDef = DEF_NOT_SUBREG;
  } else if (isPointerValue(env.allowPtrLeaks, src)) {
    env.reject(errno.EACCES, msg.signExtendPointer(insn.src));
  } else if (src.type === SCALAR_VALUE) {
    const same = range.umaxF(src.val) < 2 ** (insn.off - 1);
    if (same) assignScalarIdBeforeMov(env, src);
    dst.assign(src);
    if (!same) clearScalarId(dst);
    dst.val = range.sext64(dst.val, insn.off >> 3);
    dst.subregDef = DEF_NOT_SUBREG;
  } else {
    markRegUnknown(env, regs, insn.dst);
  }
}

function movNarrow(env: Env, insn: Insn, dst: RegState, src: RegState): void {
  if (isPointerValue(env.allowPtrLeaks, src)) env.reject(errno.EACCES, msg.partialCopy(insn.src));
  if (src.type !== SCALAR_VALUE) {
    markRegUnknown(env, env.curRegs(), insn.dst);
    dst.val = range.zext(dst.val, 4);
    return;
  }
  const same = range.umaxF(src.val) < (insn.off === 0 ? 2 ** 32 : 2 ** (insn.off - 1));
  if (same) assignScalarIdBeforeMov(env, src);
  dst.assign(src);
  if (!same) clearScalarId(dst);
  dst.subregDef = env.insnIdx + 1;
  dst.val = insn.off === 0 ? range.zext(dst.val, 4) : range.sext32(dst.val, insn.off >> 3);
}

function checkBinary(env: Env, insn: Insn, op: number): void {
  const byReg = (insn.code & 8) !== 0;
  const division = op === MOD || op === DIV;
  const offOk = insn.off === 0 || (insn.off === 1 && division);
  if (!offOk || (byReg ? insn.imm !== 0 : insn.src !== 0)) env.reject(errno.EINVAL, msg.reservedFields('BPF_ALU'));
  if (byReg) checkRegArg(env, insn.src, SRC_OP);
  checkRegArg(env, insn.dst, SRC_OP);
  if (division && !byReg && insn.imm === 0) env.reject(errno.EINVAL, msg.divByZero());
  if ((op === LSH || op === RSH || op === ARSH) && !byReg) {
    const size = (insn.code & 7) === ALU64 ? 64 : 32;
    if (insn.imm < 0 || insn.imm >= size) env.reject(errno.EINVAL, msg.invalidShift(insn.imm));
  }
  checkRegArg(env, insn.dst, DST_OP_NO_MARK);
  adjustRegMinMaxVals(env, insn, op);
}

const constant = new RegState();
const copy = new RegState();

/** adjust_reg_min_max_vals: both operands have been read. */
function adjustRegMinMaxVals(env: Env, insn: Insn, op: number): void {
  const regs = env.curRegs();
  const byReg = (insn.code & 8) !== 0;
  const dst = regs[insn.dst] as RegState;
  let src: RegState;
  if (byReg) {
    src = regs[insn.src] as RegState;
    if (dst.type === PTR_TO_ARENA || src.type === PTR_TO_ARENA) {
      if (dst.type !== PTR_TO_ARENA) dst.assign(src);
      dst.subregDef = env.insnIdx + 1;
      return;
    }
    if (src.type !== SCALAR_VALUE) {
      if (dst.type !== SCALAR_VALUE) {
        if (op === SUB && env.allowPtrLeaks) {
          markRegUnknown(env, regs, insn.dst);
          return;
        }
        env.reject(errno.EACCES, msg.pointerOpPointer(insn.dst, OPERATORS[op >> 4] ?? ''));
      }
      // scalar += pointer: the scalar becomes the pointer.
      markChainPrecision(env, insn.dst);
      copy.assign(dst);
      adjustPtrMinMaxVals(env, insn, src, copy);
      return;
    }
    if (dst.type !== SCALAR_VALUE) {
      markChainPrecision(env, insn.src);
      adjustPtrMinMaxVals(env, insn, dst, src);
      return;
    }
    if (dst.precise) markChainPrecision(env, insn.src);
  } else {
    if (dst.type === PTR_TO_ARENA) {
      dst.subregDef = env.insnIdx + 1;
      return;
    }
    src = constant.markKnown(range.knownS32(insn.imm));
    if (dst.type !== SCALAR_VALUE) {
      adjustPtrMinMaxVals(env, insn, dst, src);
      return;
    }
  }
  const srcVal = src.val;
  const before = dst.val;
  adjustScalar(env, insn, dst, srcVal);
  linkAfterAdd(insn, op, dst, srcVal, before);
}

/** r1 = r2; r1 += 10: r1 stays linked to r2 at a distance. `before`: what dst was. */
function linkAfterAdd(insn: Insn, op: number, dst: RegState, srcVal: number, before: number): void {
  const wide = (insn.code & 7) === ALU64;
  const self = (insn.code & 8) !== 0 && insn.src === insn.dst;
  const known = wide ? range.isConst(srcVal) : range.isConst32(srcVal);
  // A second addition breaks the link.
  if (!dst.id || self || !known || (op !== ADD && op !== SUB) || dst.id & BPF_ADD_CONST) {
    clearScalarId(dst);
    return;
  }
  let delta = wide ? range.sminF(srcVal) : range.valueLo(srcVal) | 0;
  const fits = delta === (delta | 0) && (wide || range.umaxF(before) < 2 ** 32);
  if (!fits || (op === SUB && delta === -0x80000000)) {
    clearScalarId(dst);
    return;
  }
  if (op === SUB) delta = 0 - delta;
  dst.id |= wide ? BPF_ADD_CONST64 : BPF_ADD_CONST32;
  dst.off = delta;
}

/** adjust_scalar_min_max_vals: dst op= a scalar. */
function adjustScalar(env: Env, insn: Insn, dst: RegState, srcVal: number): void {
  const op = insn.code & 0xf0;
  const is32 = (insn.code & 7) === ALU64 ? 0 : 1;
  if ((op === AND || op === OR) && range.isConst(srcVal)) maybeForkScalars(env, insn, dst);
  const val = range.alu(op, is32, dst.val, srcVal);
  if (!env.bypassSpecV1 && val >= 0) sanitizeValAlu(env, insn);
  if (val < 0) {
    dst.markUnknown();
    dst.precise = !env.bpfCapable;
    return;
  }
  dst.val = val;
}

/** A scalar that is 0 or -1 (a comparison's result) masks a constant: the two cases are looked at apart. */
function maybeForkScalars(env: Env, insn: Insn, dst: RegState): void {
  if (range.sminF(dst.val) === -1 && range.smaxF(dst.val) === 0) {
    const other = pushStack(env, env.insnIdx, env.insnIdx, false);
    other.func().reg(insn.dst).markKnown(RANGE_ZERO);
    dst.markKnown(range.knownS32(-1));
  } else if (range.s32min(dst.val) === -1 && range.s32max(dst.val) === 0) {
    const other = pushStack(env, env.insnIdx, env.insnIdx, false);
    const otherDst = other.func().reg(insn.dst);
    otherDst.val = range.setKnownLow(otherDst.val, 0);
    dst.val = range.setKnownLow(dst.val, -1);
  }
}
