/** Writes to the program's stack, spills among them (check_stack_write_*). */
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
  type StackSlot,
} from './func_state.ts';
import { NOSPEC_RESULT } from './insn_aux.ts';
import { BPF_REG_SIZE } from './limits.ts';
import { verboseLinfo } from './log.ts';
import { msg } from './messages.ts';
import { RANGE_ZERO, range } from './range.ts';
import { RegState } from './reg_state.ts';
import { assignScalarIdBeforeMov, isConst, registerIsNull } from './regs.ts';
import { frameOf } from './slots.ts';
import { byteOf, checkFastcallContract, constOff, spiOf } from './stack.ts';

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
export function scrubSpecial(slot: StackSlot): void {
  slot.spilled.type = NOT_INIT;
  const last = slot.slotType(7);
  if (last !== STACK_SPILL && last !== STACK_DYNPTR && last !== STACK_ITER && last !== STACK_IRQ_FLAG) return;
  for (let i = 0; i < BPF_REG_SIZE; i++) if (slot.slotType(i) !== STACK_INVALID) slot.setSlotType(i, STACK_MISC);
}

/** get_reg_width: bits that the value needs. */
export function fitsIn(reg: RegState, bits: number): boolean {
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
