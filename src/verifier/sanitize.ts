/**
 * What a program loaded without CAP_PERFMON must not do, since a CPU that guesses wrong could read with it (Spectre v1): the
 * offsets that are added to a pointer are masked, with one mask an instruction, and the paths where a mask made them 0 are
 * explored too.
 */
import { PTR_TO_MAP_VALUE, PTR_TO_STACK } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_ADD, BPF_SUB, opOf } from '../uapi/insn.ts';
import { ACCESS_HELPER, checkMapAccess } from './check_region.ts';
import { type Env, type Insn, Reject } from './env.ts';
import { pushStack } from './frames.ts';
import { NOSPEC } from './insn_aux.ts';
import { MAX_BPF_STACK } from './limits.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { varOffStr } from './reg_type_str.ts';
import { isConst } from './regs.ts';

/** alu_state of an instruction. */
const ALU_SANITIZE_SRC = 1;
const ALU_SANITIZE_DST = 2;
const ALU_NEG_VALUE = 4;
const ALU_NON_POINTER = 8;
const ALU_IMMEDIATE = 16;

/** The mask that a pointer operation needs, by what is known before it. */
export interface AluWindow {
  readonly state: number;
  readonly limit: number;
  readonly toLeft: boolean;
}

/** No mask is needed, or this path is one of the guesses. */
const NO_WINDOW: AluWindow | null = null;

function skips(env: Env, insn: Insn): boolean {
  return env.bypassSpecV1 || (insn.code & 8) === 0 || env.aux.has(env.insnIdx, NOSPEC);
}

/** How far `ptr` may be moved to that side; null: a pointer that cannot be masked, -1: it is beyond its bounds already. */
function ptrLimit(ptr: RegState, toLeft: boolean): number | null {
  let max: number;
  let limit: bigint;
  if (ptr.type === PTR_TO_STACK) {
    max = MAX_BPF_STACK + (toLeft ? 1 : 0);
    limit = -(range.value(ptr.val) + BigInt(ptr.off));
  } else if (ptr.type === PTR_TO_MAP_VALUE) {
    max = ptr.map?.valueSize ?? 0;
    limit = (toLeft ? range.smin(ptr.val) : range.umax(ptr.val)) + BigInt(ptr.off);
  } else {
    return null;
  }
  const low = Number(BigInt.asUintN(32, limit));
  return low >= max ? -1 : low;
}

function limitOf(env: Env, insn: Insn, ptr: RegState, toLeft: boolean, ptrIsDst: boolean): number {
  const limit = ptrLimit(ptr, toLeft);
  if (limit === null) env.reject(errno.EACCES, msg.sanitizeType(ptrIsDst ? insn.dst : insn.src));
  if (limit < 0) env.reject(errno.EACCES, msg.sanitizeLimit(insn.dst, operation(insn)));
  return limit;
}

const operation = (insn: Insn): string => (opOf(insn.code) === BPF_ADD ? 'add' : 'sub');

/** update_alu_sanitation_state: one instruction has one mask, on whatever path it is reached. */
function setAluState(env: Env, insn: Insn, state: number, limit: number): void {
  const { aluState, aluLimit } = env.aux;
  const i = env.insnIdx;
  if (aluState[i] && (aluState[i] !== state || aluLimit[i] !== limit)) {
    env.reject(errno.EACCES, msg.sanitizePaths(insn.dst, operation(insn)));
  }
  aluState[i] = state;
  aluLimit[i] = limit;
}

/**
 * sanitize_ptr_alu before the operation, when regs[insn.dst] holds the pointer already. What it returns is for commitPtrAlu().
 * @param offset - handle of what is added or subtracted
 */
export function sanitizePtrAlu(
  env: Env,
  insn: Insn,
  ptr: RegState,
  offset: number,
  ptrIsDst: boolean,
): AluWindow | null {
  const op = opOf(insn.code);
  if ((op !== BPF_ADD && op !== BPF_SUB) || skips(env, insn)) return NO_WINDOW;
  const known = range.isConst(offset) !== 0;
  const negative = range.sminF(offset) < 0;
  let window = NO_WINDOW;
  if (!env.curState.speculative) {
    if (!known && negative !== range.smaxF(offset) < 0) {
      env.reject(errno.EACCES, msg.sanitizeBounds(ptrIsDst ? insn.src : insn.dst));
    }
    const toLeft = op === BPF_ADD ? negative : !negative;
    const limit = limitOf(env, insn, ptr, toLeft, ptrIsDst);
    const state =
      (negative ? ALU_NEG_VALUE : 0) | (known ? ALU_IMMEDIATE : 0) | (ptrIsDst ? ALU_SANITIZE_SRC : ALU_SANITIZE_DST);
    if (!known) env.exploreAluLimits = true;
    window = { state, limit, toLeft };
  }
  // The guess: the mask has made the offset 0.
  if (!known) pushGuess(env, insn);
  return window;
}

function pushGuess(env: Env, insn: Insn): void {
  try {
    pushStack(env, env.insnIdx + 1, env.insnIdx, true);
  } catch (error) {
    if (!(error instanceof Reject)) throw error;
    env.reject(errno.ENOMEM, msg.sanitizeStack(insn.dst));
  }
}

/** sanitize_check_bounds and sanitize_ptr_alu after the operation: the mask is as wide as the pointer has moved. */
export function commitPtrAlu(env: Env, insn: Insn, reg: RegState, window: AluWindow | null, ptrIsDst: boolean): void {
  if (env.bypassSpecV1) return;
  checkBounds(env, insn, reg);
  if (!window) return;
  const limit = limitOf(env, insn, reg, window.toLeft, ptrIsDst);
  setAluState(env, insn, window.state, Math.abs((window.limit - limit) | 0));
}

/** sanitize_val_alu: numbers are not masked, so that no other path may bring a pointer here. */
export function sanitizeValAlu(env: Env, insn: Insn): void {
  const op = opOf(insn.code);
  if ((op !== BPF_ADD && op !== BPF_SUB) || skips(env, insn)) return;
  setAluState(env, insn, ALU_NON_POINTER, 0);
}

/** sanitize_check_bounds: a moved pointer has to stay in bounds at once. */
function checkBounds(env: Env, insn: Insn, reg: RegState): void {
  const { dst } = insn;
  if (reg.type === PTR_TO_STACK) {
    const off = (reg.off + range.valueLo(reg.val)) | 0;
    if (!isConst(reg)) env.reject(errno.EACCES, msg.stackVariable(dst, varOffStr(env, reg), off));
    if (off >= 0 || off < -MAX_BPF_STACK) env.reject(errno.EACCES, msg.stackArithRange(dst, off));
  } else if (reg.type === PTR_TO_MAP_VALUE) {
    try {
      checkMapAccess(env, dst, reg.off, 1, false, ACCESS_HELPER);
    } catch (error) {
      if (!(error instanceof Reject)) throw error;
      env.reject(errno.EACCES, msg.mapArithRange(dst));
    }
  }
}
