/** Reads of the program's stack, fills among them, and what calls may read of it (check_stack_read_*, check_stack_range_initialized). */
import { SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { insnStackAccessFlags, isSpilledReg, pushJmpHistory } from './backtrack.ts';
import type { RawMode } from './call_meta.ts';
import type { Env } from './env.ts';
import {
  type FuncState,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  type StackSlot,
} from './func_state.ts';
import { BPF_REG_SIZE } from './limits.ts';
import { verboseLinfo } from './log.ts';
import { msg } from './messages.ts';
import { RANGE_ZERO, range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { insnOff, varOffStr } from './reg_type_str.ts';
import { clearScalarId, isConst, isPointerValue, markRegUnknown } from './regs.ts';
import { frameOf } from './slots.ts';
import { BPF_WRITE, byteOf, checkFastcallContract, checkStackAccessWithinBounds, constOff, spiOf } from './stack.ts';
import { fitsIn, scrubSpecial } from './stack_write.ts';

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
