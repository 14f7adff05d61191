/** Pointer arithmetic (adjust_ptr_min_max_vals). */
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  PTR_UNTRUSTED,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_ADD, BPF_ALU64, BPF_AND, BPF_OR, BPF_SUB, BPF_XOR, classOf, opOf } from '../uapi/insn.ts';
import type { Env, Insn } from './env.ts';
import { BPF_MAX_VAR_OFF } from './limits.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { regTypeStr } from './reg_type_str.ts';
import { isConst, typeIsPktPointer } from './regs.ts';
import { commitPtrAlu, sanitizePtrAlu } from './sanitize.ts';

/** Pointers that may be moved. */
const MOVABLE = new Set([
  PTR_TO_CTX,
  PTR_TO_MAP_VALUE,
  PTR_TO_MAP_KEY,
  PTR_TO_STACK,
  PTR_TO_PACKET_META,
  PTR_TO_PACKET,
  PTR_TO_TP_BUFFER,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TO_BUF,
  PTR_TO_FUNC,
  CONST_PTR_TO_DYNPTR,
]);

/** As the log prints operators: index = op >> 4. */
const ALU_STRING = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', 'neg', '%=', '^=', '=', 's>>=', 'endian'];

const S64_MIN = -(1n << 63n);

/** regs[insn.dst] = ptr op scalar; both operands may be the destination itself. */
export function adjustPtrMinMaxVals(env: Env, insn: Insn, ptr: RegState, scalar: RegState): void {
  const { dst } = insn;
  const reg = env.curRegs()[dst] as RegState;
  const op = opOf(insn.code);
  // The operands may be the destination: what is needed of them, before it changes.
  const { type } = ptr;
  const offset = scalar.val;
  const known = isConst(scalar);
  if (range.isInsane(offset)) {
    reg.markUnknown();
    return;
  }
  if (classOf(insn.code) !== BPF_ALU64) {
    if (op === BPF_SUB && env.allowPtrLeaks) {
      reg.markUnknown();
      return;
    }
    env.reject(errno.EACCES, msg.ptr32Bit(dst));
  }
  if (type & PTR_MAYBE_NULL) env.reject(errno.EACCES, msg.ptrNullArith(dst, regTypeStr(type)));
  // Probed loads fault safely: where the pointer points is not tracked.
  if (baseType(type) === PTR_TO_MEM && type & PTR_UNTRUSTED) return;
  if (!movable(type, known, offset, op)) env.reject(errno.EACCES, msg.ptrArith(dst, regTypeStr(type)));
  const isDst = reg === ptr;
  if (!isDst) {
    const { subregDef } = reg;
    reg.assign(ptr);
    reg.subregDef = subregDef;
  }
  checkRegSaneOffset(env, offset, scalar.off, type, errno.EINVAL);
  checkRegSaneOffset(env, ptr.val, ptr.off, type, errno.EINVAL);
  const window = sanitizePtrAlu(env, insn, ptr, offset, isDst);
  if (op === BPF_ADD) {
    addToPointer(env, reg, offset, known);
  } else if (op === BPF_SUB) {
    if (!isDst) env.reject(errno.EACCES, msg.ptrSubFromScalar(dst));
    if (type === PTR_TO_STACK) env.reject(errno.EACCES, msg.ptrSubStack(dst));
    subFromPointer(env, reg, offset, known);
  } else if (op === BPF_AND || op === BPF_OR || op === BPF_XOR) {
    env.reject(errno.EACCES, msg.ptrBitwise(dst, ALU_STRING[op >> 4] ?? ''));
  } else {
    env.reject(errno.EACCES, msg.ptrOperator(dst, ALU_STRING[op >> 4] ?? ''));
  }
  checkRegSaneOffset(env, reg.val, reg.off, type, errno.EINVAL);
  commitPtrAlu(env, insn, reg, window, isDst);
}

function movable(type: number, known: boolean, offset: number, op: number): boolean {
  const base = baseType(type);
  if (MOVABLE.has(base)) return true;
  if (base === PTR_TO_FLOW_KEYS && known) return true;
  return (
    (base === PTR_TO_FLOW_KEYS || base === CONST_PTR_TO_MAP) && known && range.valueF(offset) === 0 && op === BPF_ADD
  );
}

function addToPointer(env: Env, reg: RegState, offset: number, known: boolean): void {
  if (known) {
    const sum = reg.off + range.sminF(offset);
    if (sum === (sum | 0)) {
      reg.off = sum;
      return;
    }
  }
  reg.val = range.ptrAdd(reg.val, offset);
  if (typeIsPktPointer(reg.type)) {
    reg.id = ++env.idGen;
    reg.clearUnion();
  }
}

function subFromPointer(env: Env, reg: RegState, offset: number, known: boolean): void {
  const smin = range.sminF(offset);
  if (known) {
    const difference = reg.off - smin;
    if (difference === (difference | 0)) {
      reg.off = difference;
      return;
    }
  }
  reg.val = range.ptrSub(reg.val, offset);
  if (typeIsPktPointer(reg.type)) {
    reg.id = ++env.idGen;
    if (smin < 0) reg.clearUnion();
  }
}

/** check_reg_sane_offset: offsets stay within +-2^29, so that sums of them cannot overflow. */
function checkRegSaneOffset(env: Env, val: number, off: number, type: number, code: 22): void {
  const smin = range.sminF(val);
  if (range.isConst(val) && (smin >= BPF_MAX_VAR_OFF || smin <= -BPF_MAX_VAR_OFF)) {
    env.reject(code, msg.ptrMathValue(regTypeStr(type), range.smin(val)));
  }
  if (off >= BPF_MAX_VAR_OFF || off <= -BPF_MAX_VAR_OFF) env.reject(code, msg.ptrOffset(regTypeStr(type), off));
  if (smin === Number(S64_MIN) && range.smin(val) === S64_MIN) env.reject(code, msg.ptrUnboundedMin(regTypeStr(type)));
  if (smin >= BPF_MAX_VAR_OFF || smin <= -BPF_MAX_VAR_OFF) {
    env.reject(code, msg.ptrOutOfBounds(range.smin(val), regTypeStr(type)));
  }
}
