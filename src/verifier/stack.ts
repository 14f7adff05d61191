/** Reads and writes of the program's stack: bounds, spills and fills, what helpers may read (check_stack_*). */

import {
  baseType,
  CONST_PTR_TO_MAP,
  NOT_INIT,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { insnStackAccessFlags, isSpilledReg, markChainPrecision, pushJmpHistory } from './backtrack.ts';
import type { RawMode } from './call_meta.ts';
import { destroyIfDynptrStackSlot } from './dynptr.ts';
import type { Env } from './env.ts';
import {
  type FuncState,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_IRQ_FLAG,
  STACK_ITER,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  StackSlot,
} from './func_state.ts';
import { FASTCALL_PATTERN, NOSPEC_RESULT } from './insn_aux.ts';
import { BPF_MAX_VAR_OFF, BPF_REG_SIZE, MAX_BPF_STACK } from './limits.ts';
import { verboseLinfo } from './log.ts';
import { msg } from './messages.ts';
import { RANGE_ZERO, range } from './range.ts';
import { RegState } from './reg_state.ts';
import { insnOff, varOffStr } from './reg_type_str.ts';
import { assignScalarIdBeforeMov, clearScalarId, isPointerValue, markRegUnknown, registerIsNull } from './regs.ts';

const BPF_WRITE = 2;
const ST_MEM = 0x62;

const SPILLABLE: ReadonlySet<number> = new Set([
  PTR_TO_MAP_VALUE,
  PTR_TO_STACK,
  PTR_TO_CTX,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_PACKET_END,
  PTR_TO_FLOW_KEYS,
  CONST_PTR_TO_MAP,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_MEM,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_ARENA,
]);

/** Slot of the byte at `off` (negative, from the frame pointer). */
function spiOf(off: number): number {
  return (-off - 1) >> 3;
}

/** Byte of its slot. */
function byteOf(off: number): number {
  return (-off - 1) & 7;
}

/** The frame that a stack pointer points into. */
function frameOf(env: Env, reg: RegState): FuncState {
  return env.curState.frame[reg.frameno] as FuncState;
}

function isConst(reg: RegState): boolean {
  return range.isConst(reg.val) !== 0;
}

/** var_off of a register that is known, as a signed number. */
function constOff(reg: RegState): number {
  return range.sminF(reg.val);
}

/** grow_stack_state: at least `size` bytes of stack are tracked, and count for the function's depth. */
export function growStackState(env: Env, frame: FuncState, size: number): void {
  const slots = Math.ceil(size / BPF_REG_SIZE);
  while (frame.stack.length < slots) frame.stack.push(new StackSlot());
  const info = env.subprog(frame.subprogno);
  if (info.stackDepth < slots * BPF_REG_SIZE) info.stackDepth = slots * BPF_REG_SIZE;
}

/**
 * check_stack_access_within_bounds: `type` is BPF_READ or BPF_WRITE; the stack grows to what is accessed. `indirect`: by a call that
 * does not say which of them (kernels before 6.14).
 */
export function checkStackAccessWithinBounds(
  env: Env,
  regno: number,
  off: number,
  size: number,
  type: number,
  indirect = false,
): void {
  const reg = env.curRegs()[regno] as RegState;
  const frame = frameOf(env, reg);
  const how = indirect ? ' indirect access to' : type === BPF_WRITE ? ' write to' : ' read from';
  const known = isConst(reg);
  let min: number;
  let max: number;
  if (known) {
    min = constOff(reg) + off;
    max = min + size;
  } else {
    if (range.smaxF(reg.val) >= BPF_MAX_VAR_OFF || range.sminF(reg.val) <= -BPF_MAX_VAR_OFF) {
      env.reject(errno.EACCES, msg.stackUnboundedOffset(how, regno));
    }
    min = range.sminF(reg.val) + off;
    max = range.smaxF(reg.val) + off + size;
  }
  const lowest = type === BPF_WRITE || env.allowUninitStack ? -MAX_BPF_STACK : -frame.stack.length * BPF_REG_SIZE;
  let error: number = 0;
  if (min < lowest || min > -1) error = errno.EACCES;
  if (!error && max > 0) error = errno.EINVAL;
  if (!error && size < 0) error = errno.EFAULT;
  if (error) {
    const text = known
      ? msg.stackOutOfBounds(how, regno, off, size)
      : msg.stackOutOfBoundsVar(how, regno, varOffStr(env, reg), insnOff(env, reg, off), size);
    env.reject(error as typeof errno.EACCES, text);
  }
  growStackState(env, frame, -min);
}

/** check_fastcall_stack_contract: a slot of a bpf_fastcall spill that is used otherwise: no call of the function is inlined. */
function checkFastcallContract(env: Env, frame: FuncState, insnIdx: number, off: number): void {
  const info = env.subprog(frame.subprogno);
  if (info.fastcallStackOff <= off || env.aux.has(insnIdx, FASTCALL_PATTERN)) return;
  info.fastcallStackOff = -0x8000;
  const end = env.subprog(frame.subprogno + 1).start;
  for (let i = info.start; i < end; i++) {
    env.aux.fastcallSpillsNum[i] = 0;
    env.aux.drop(i, FASTCALL_PATTERN);
  }
}

/** mark_stack_slot_misc: not for bytes that were never written, nor for zeros. */
function markMisc(slot: StackSlot, byte: number): void {
  const type = slot.slotType(byte);
  if (type === STACK_ZERO || type === STACK_INVALID) return;
  slot.setSlotType(byte, STACK_MISC);
}

/** save_register_state: `size` bytes of `reg` are spilled into the slot. */
function saveRegister(frame: FuncState, spi: number, reg: RegState, size: number): void {
  const slot = frame.slot(spi);
  slot.spilled.assign(reg);
  let i = BPF_REG_SIZE;
  for (; i > BPF_REG_SIZE - size; i--) slot.setSlotType(i - 1, STACK_SPILL);
  for (; i > 0; i--) markMisc(slot, i - 1);
}

/** scrub_special_slot: what remains of a register or object of which a part is overwritten. */
function scrubSpecial(slot: StackSlot): void {
  slot.spilled.type = NOT_INIT;
  const last = slot.slotType(7);
  if (last !== STACK_SPILL && last !== STACK_DYNPTR && last !== STACK_ITER && last !== STACK_IRQ_FLAG) return;
  for (let i = 0; i < BPF_REG_SIZE; i++) if (slot.slotType(i) !== STACK_INVALID) slot.setSlotType(i, STACK_MISC);
}

/** get_reg_width: bits that the value needs. */
function fitsIn(reg: RegState, bits: number): boolean {
  return bits >= 64 || range.umaxF(reg.val) < 2 ** bits;
}

const constant = new RegState();

function writeFixed(env: Env, frame: FuncState, off: number, size: number, valueRegno: number, insnIdx: number): void {
  const cur = env.curFunc();
  const spi = spiOf(off);
  const slot = frame.slot(spi);
  const insn = env.insn(insnIdx);
  const partial = size !== BPF_REG_SIZE;
  const spilledPointer = isSpilledReg(slot) && slot.spilled.type !== SCALAR_VALUE;
  if (!env.allowPtrLeaks && spilledPointer && partial) env.reject(errno.EACCES, msg.corruptSpilledPointer());
  const reg = valueRegno >= 0 ? cur.reg(valueRegno) : null;
  if (!env.bypassSpecV4) {
    // Speculation may read what was there before.
    let sanitize = reg !== null && SPILLABLE.has(baseType(reg.type));
    for (let i = 0; i < size; i++) {
      const type = slot.slotType(byteOf(off + i));
      if (type !== STACK_MISC && type !== STACK_ZERO) sanitize = true;
    }
    if (sanitize) env.aux.add(insnIdx, NOSPEC_RESULT);
  }
  destroyIfDynptrStackSlot(env, frame, spi);
  checkFastcallContract(env, frame, insnIdx, off);
  env.markStackSlotScratched(spi);
  const aligned = off % BPF_REG_SIZE === 0;
  let flags = insnStackAccessFlags(frame.frameno, spi);
  if (reg && aligned && reg.type === SCALAR_VALUE && env.bpfCapable) {
    const fits = fitsIn(reg, size * 8);
    if (fits) assignScalarIdBeforeMov(env, reg);
    saveRegister(frame, spi, reg, size);
    if (!fits) slot.spilled.id = 0;
  } else if (!reg && aligned && (insn.code & 0xe7) === ST_MEM && env.bpfCapable) {
    constant.markKnown(range.knownS32(insn.imm));
    saveRegister(frame, spi, constant, size);
  } else if (reg && SPILLABLE.has(baseType(reg.type))) {
    if (partial) {
      verboseLinfo(env, insnIdx, '; ');
      env.reject(errno.EACCES, msg.spillSize());
    }
    if (frame !== cur && reg.type === PTR_TO_STACK) env.reject(errno.EINVAL, msg.spillStackPointer());
    saveRegister(frame, spi, reg, size);
  } else {
    scrubSpecial(slot);
    let type = STACK_MISC;
    const zero = reg ? registerIsNull(reg) : (insn.code & 0xe7) === ST_MEM && insn.imm === 0;
    if (zero) {
      if (reg) markChainPrecision(env, valueRegno);
      type = STACK_ZERO;
    }
    for (let i = 0; i < size; i++) slot.setSlotType(byteOf(off + i), type);
    flags = 0;
  }
  if (!partial) env.liveness.markWrite(frame.frameno, spi);
  if (flags) pushJmpHistory(env, env.curState, flags, null);
}

/** Without CAP_PERFMON nobody gets here: a stack pointer must not be moved by an unknown number then. */
function writeVariable(
  env: Env,
  frame: FuncState,
  ptrRegno: number,
  off: number,
  size: number,
  valueRegno: number,
  insnIdx: number,
): void {
  const cur = env.curFunc();
  const ptr = cur.reg(ptrRegno);
  const min = range.sminF(ptr.val) + off;
  const max = range.smaxF(ptr.val) + off + size;
  const insn = env.insn(insnIdx);
  const zero = valueRegno >= 0 ? registerIsNull(cur.reg(valueRegno)) : (insn.code & 0xe7) === ST_MEM && insn.imm === 0;
  for (let i = min; i < max; i++) destroyIfDynptrStackSlot(env, frame, spiOf(i));
  checkFastcallContract(env, frame, insnIdx, min);
  let zeroUsed = false;
  for (let i = min; i < max; i++) {
    const spi = spiOf(i);
    const slot = frame.slot(spi);
    const type = slot.slotType(byteOf(i));
    env.markStackSlotScratched(spi);
    // A zero written over what may be zero already leaves it zero.
    if (zero && type === STACK_SPILL && slot.spilled.type === SCALAR_VALUE && slot.spilled.val === RANGE_ZERO) {
      zeroUsed = true;
      continue;
    }
    scrubSpecial(slot);
    let next = STACK_MISC;
    if (zero && type === STACK_ZERO) {
      next = STACK_ZERO;
      zeroUsed = true;
    }
    slot.setSlotType(byteOf(i), next);
  }
  if (zeroUsed && valueRegno >= 0) markChainPrecision(env, valueRegno);
}

/** check_stack_write: `valueRegno` -1: a constant (BPF_ST) or something unknown. */
export function checkStackWrite(
  env: Env,
  ptrRegno: number,
  off: number,
  size: number,
  valueRegno: number,
  insnIdx: number,
): void {
  const reg = env.curRegs()[ptrRegno] as RegState;
  const frame = frameOf(env, reg);
  if (isConst(reg)) writeFixed(env, frame, off + constOff(reg), size, valueRegno, insnIdx);
  else writeVariable(env, frame, ptrRegno, off, size, valueRegno, insnIdx);
}

/** mark_reg_stack_read: the register is zero when all the bytes are. */
function markRegStackRead(env: Env, frame: FuncState, min: number, max: number, regno: number): void {
  let zeros = 0;
  for (let i = min; i < max; i++) {
    const spi = spiOf(i);
    env.markStackSlotScratched(spi);
    if (frame.slot(spi).slotType(byteOf(i)) !== STACK_ZERO) break;
    zeros++;
  }
  const regs = env.curRegs();
  if (zeros === max - min) {
    (regs[regno] as RegState).markKnownZero();
  } else {
    markRegUnknown(env, regs, regno);
  }
}

/** Rejects unless the bytes have been written, or reading what was not is allowed. */
function checkBytes(env: Env, slot: StackSlot, off: number, size: number): void {
  for (let i = 0; i < size; i++) {
    const type = slot.slotType(byteOf(off + i));
    if (type === STACK_MISC || type === STACK_ZERO || (type === STACK_INVALID && env.allowUninitStack)) continue;
    env.reject(errno.EACCES, msg.stackReadFixed(off, i, size));
  }
}

/** A fill of less than was spilled, or from a spill of less than 8 bytes. Returns whether the value was restored. */
function fillPart(env: Env, slot: StackSlot, off: number, size: number, spillSize: number, dstRegno: number): boolean {
  const dst = env.curRegs()[dstRegno] as RegState;
  const reg = slot.spilled;
  // Little endian: the low bytes of a spill start at its lowest address.
  if (size <= spillSize && off % BPF_REG_SIZE === 0) {
    const { subregDef } = dst;
    dst.assign(reg);
    dst.subregDef = subregDef;
    if (!fitsIn(reg, size * 8)) clearScalarId(dst);
    return true;
  }
  let spills = 0;
  let zeros = 0;
  for (let i = 0; i < size; i++) {
    const type = slot.slotType(byteOf(off + i));
    if (type === STACK_SPILL) spills++;
    else if (type === STACK_ZERO) zeros++;
    else if (type !== STACK_MISC && !(type === STACK_INVALID && env.allowUninitStack)) {
      env.reject(errno.EACCES, msg.stackReadFixed(off, i, size));
    }
  }
  if (spills === size && reg.val === RANGE_ZERO) {
    dst.markKnownZero();
    return true;
  }
  if (zeros === size) dst.markKnownZero();
  else markRegUnknown(env, env.curRegs(), dstRegno);
  return false;
}

function readFixed(env: Env, frame: FuncState, off: number, size: number, dstRegno: number): void {
  const spi = spiOf(off);
  const slot = frame.slot(spi);
  let flags = insnStackAccessFlags(frame.frameno, spi);
  env.markStackSlotScratched(spi);
  checkFastcallContract(env, env.curFunc(), env.insnIdx, off);
  env.liveness.markRead(frame.frameno, env.insnIdx, spi);
  if (!isSpilledReg(slot)) {
    checkBytes(env, slot, off, size);
    if (dstRegno >= 0) markRegStackRead(env, frame, off, off + size, dstRegno);
    return;
  }
  let spillSize = 1;
  for (let i = BPF_REG_SIZE - 1; i > 0 && slot.slotType(i - 1) === STACK_SPILL; i--) spillSize++;
  if (size !== BPF_REG_SIZE || spillSize !== BPF_REG_SIZE) {
    if (slot.spilled.type !== SCALAR_VALUE) {
      verboseLinfo(env, env.insnIdx, '; ');
      env.reject(errno.EACCES, msg.fillSize());
    }
    if (dstRegno < 0) return;
    if (!fillPart(env, slot, off, size, spillSize, dstRegno)) flags = 0;
  } else if (dstRegno >= 0) {
    (env.curRegs()[dstRegno] as RegState).assign(slot.spilled);
  } else if (isPointerValue(env.allowPtrLeaks, slot.spilled)) {
    // A helper or an atomic would show it.
    env.reject(errno.EACCES, msg.leakFromStack(off));
  }
  if (flags) pushJmpHistory(env, env.curState, flags, null);
}

/** check_stack_read: `dstRegno` -1: the value goes nowhere. */
export function checkStackRead(env: Env, ptrRegno: number, off: number, size: number, dstRegno: number): void {
  const reg = env.curRegs()[ptrRegno] as RegState;
  const frame = frameOf(env, reg);
  if (isConst(reg)) {
    readFixed(env, frame, off + constOff(reg), size, dstRegno);
    return;
  }
  if (dstRegno < 0) env.reject(errno.EACCES, msg.varReadIntoHelper(varOffStr(env, reg), insnOff(env, reg, off), size));
  const min = range.sminF(reg.val) + off;
  const max = range.smaxF(reg.val) + off;
  checkStackRangeInitialized(env, ptrRegno, off, size, false, 1, null, true);
  markRegStackRead(env, frame, min, max + size, dstRegno);
  checkFastcallContract(env, frame, env.insnIdx, min);
}

/**
 * check_stack_range_initialized: may a helper read (and with BPF_WRITE change) `size` bytes of stack? In raw mode they need
 * not be initialised; the caller marks them afterwards.
 */
export function checkStackRangeInitialized(
  env: Env,
  regno: number,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
  type: number,
  meta: RawMode | null,
  byInsn = false,
): void {
  const reg = env.curRegs()[regno] as RegState;
  const frame = frameOf(env, reg);
  const untyped = !byInsn && !env.has('helper_access_typed');
  const clobber = untyped || type === BPF_WRITE;
  const how = untyped ? ' indirect' : '';
  if (size === 0 && !zeroSizeAllowed) env.reject(errno.EACCES, msg.zeroSizedRead());
  checkStackAccessWithinBounds(env, regno, off, size, untyped ? BPF_WRITE : type, untyped);
  const known = isConst(reg);
  const min = (known ? constOff(reg) : range.sminF(reg.val)) + off;
  const max = (known ? constOff(reg) : range.smaxF(reg.val)) + off;
  if (meta?.rawMode && known) {
    for (let i = min; i < max + size; i++) {
      const slot = frame.stack[spiOf(i)];
      if (slot?.slotType(byteOf(i)) === STACK_DYNPTR) env.reject(errno.EACCES, msg.overwriteDynptr(i));
    }
    meta.accessSize = size;
    meta.regno = regno;
    return;
  }
  for (let i = min; i < max + size; i++) {
    const spi = spiOf(i);
    const slot = frame.slot(spi);
    const at = slot.slotType(byteOf(i));
    if (at === STACK_ZERO || (at === STACK_INVALID && env.allowUninitStack)) {
      if (clobber) slot.setSlotType(byteOf(i), STACK_MISC);
    } else if (isSpilledReg(slot) && (slot.spilled.type === SCALAR_VALUE || env.allowPtrLeaks)) {
      if (clobber) {
        scrubSpecial(slot);
        slot.spilled.markUnknown();
      }
    } else if (at !== STACK_MISC) {
      const text = known
        ? msg.stackReadRange(how, regno, min, i - min, size)
        : msg.stackReadRangeVar(how, regno, varOffStr(env, reg), i - min, size);
      env.reject(errno.EACCES, text);
    }
    env.liveness.markRead(reg.frameno, env.insnIdx, spi);
  }
}
