/** The program's stack: bounds of an access, how much of it is in use, bpf_fastcall spills (check_stack_access_within_bounds ...). */
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { type FuncState, StackSlot } from './func_state.ts';
import { FASTCALL_PATTERN } from './insn_aux.ts';
import { BPF_MAX_VAR_OFF, BPF_REG_SIZE, MAX_BPF_STACK } from './limits.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { insnOff, varOffStr } from './reg_type_str.ts';
import { isConst } from './regs.ts';
import { frameOf } from './slots.ts';

export const BPF_WRITE = 2;

/** Slot of the byte at `off` (negative, from the frame pointer). */
export function spiOf(off: number): number {
  return (-off - 1) >> 3;
}

/** Byte of its slot. */
export function byteOf(off: number): number {
  return (-off - 1) & 7;
}

/** var_off of a register that is known, as a signed number. */
export function constOff(reg: RegState): number {
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
export function checkFastcallContract(env: Env, frame: FuncState, insnIdx: number, off: number): void {
  const info = env.subprog(frame.subprogno);
  if (info.fastcallStackOff <= off || env.aux.has(insnIdx, FASTCALL_PATTERN)) return;
  info.fastcallStackOff = -0x8000;
  const end = env.subprog(frame.subprogno + 1).start;
  for (let i = info.start; i < end; i++) {
    env.aux.fastcallSpillsNum[i] = 0;
    env.aux.drop(i, FASTCALL_PATTERN);
  }
}
