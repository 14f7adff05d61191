/** Memory that a call reads or writes through its arguments (check_helper_mem_access, check_mem_size_reg ...). */
import {
  baseType,
  MEM_RDONLY,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_B } from '../uapi/insn.ts';
import { markChainPrecision } from './backtrack.ts';
import type { RawMode } from './call_meta.ts';
import { checkPtrToBtfAccess } from './check_btf_access.ts';
import { checkMemAccess } from './check_mem.ts';
import {
  ACCESS_HELPER,
  BPF_READ,
  BPF_WRITE,
  checkBufferAccess,
  checkMapAccess,
  checkMapAccessType,
  checkMemRegionAccess,
  checkPacketAccess,
} from './check_region.ts';
import { MAX_SYSCALL_CTX, NO_CTX_CONVERSION } from './ctx_access.ts';
import { type Env, Reject } from './env.ts';
import { BPF_MAX_VAR_SIZ } from './limits.ts';
import { msg } from './messages.ts';
import { markPtrNotNullReg } from './ptr_or_null.ts';
import { range } from './range.ts';
import { RegState } from './reg_state.ts';
import { regTypeStr } from './reg_type_str.ts';
import { registerIsNull, typeMayBeNull } from './regs.ts';
import { checkStackRangeInitialized } from './stack_read.ts';

/** check_helper_mem_access: may the call access `size` bytes at register `regno`? `meta`: raw mode is possible. */
export function checkHelperMemAccess(
  env: Env,
  regno: number,
  size: number,
  type: number,
  zeroSizeAllowed: boolean,
  meta: RawMode | null,
): void {
  const reg = env.curRegs()[regno] as RegState;
  switch (baseType(reg.type)) {
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      checkPacketAccess(env, regno, reg.off, size, zeroSizeAllowed);
      return;
    case PTR_TO_MAP_KEY:
      if (type === BPF_WRITE) env.reject(errno.EACCES, msg.cannotWriteInto(regno, regTypeStr(reg.type)));
      checkMemRegionAccess(env, regno, reg.off, size, reg.map?.keySize ?? 0, false);
      return;
    case PTR_TO_MAP_VALUE:
      checkMapAccessType(env, regno, reg.off, size, type);
      checkMapAccess(env, regno, reg.off, size, zeroSizeAllowed, ACCESS_HELPER);
      return;
    case PTR_TO_MEM:
      rejectReadOnly(env, reg, regno, type);
      checkMemRegionAccess(env, regno, reg.off, size, reg.memSize, zeroSizeAllowed);
      return;
    case PTR_TO_BUF:
      rejectReadOnly(env, reg, regno, type);
      checkBufferAccess(env, reg, regno, reg.off, size);
      return;
    case PTR_TO_STACK:
      checkStackRangeInitialized(env, regno, reg.off, size, zeroSizeAllowed, type, meta);
      return;
    case PTR_TO_BTF_ID:
      checkPtrToBtfAccess(env, regno, reg.off, size, env.has('kernel_memory_by_access') ? type : BPF_READ, -1);
      return;
    case PTR_TO_CTX:
      if (env.has('syscall_context_is_memory')) {
        if (env.progType !== 'syscall') break;
        checkMemRegionAccess(env, regno, reg.off, size, MAX_SYSCALL_CTX, zeroSizeAllowed);
        return;
      }
      if (NO_CTX_CONVERSION.has(env.progType)) {
        if (size > 0) checkMemAccess(env, env.insnIdx, regno, size - 1, BPF_B, type, -1, false, false);
        else if (!zeroSizeAllowed) env.reject(errno.EACCES);
        return;
      }
  }
  if (zeroSizeAllowed && size === 0 && registerIsNull(reg)) return;
  env.reject(errno.EACCES, msg.argExpected(regno, regTypeStr(reg.type), regTypeStr(PTR_TO_STACK)));
}

function rejectReadOnly(env: Env, reg: RegState, regno: number, type: number): void {
  if (type === BPF_WRITE && reg.type & MEM_RDONLY) {
    env.reject(errno.EACCES, msg.cannotWriteInto(regno, regTypeStr(reg.type)));
  }
}

/** check_mem_size_reg: register `regno` is the size of the memory that `regno - 1` points to. */
export function checkMemSizeReg(
  env: Env,
  regno: number,
  type: number,
  zeroSizeAllowed: boolean,
  meta: RawMode | null,
): void {
  const { val } = env.curRegs()[regno] as RegState;
  const known = range.isConst(val) !== 0;
  if (range.sminF(val) < 0) env.reject(errno.EACCES, msg.sizeNegative(regno));
  if (range.uminF(val) === 0 && !zeroSizeAllowed) {
    env.reject(
      errno.EACCES,
      msg.sizeZero(regno, BigInt.asIntN(64, range.umin(val)), BigInt.asIntN(64, range.umax(val))),
    );
  }
  const umax = range.umaxF(val);
  if (umax >= BPF_MAX_VAR_SIZ) env.reject(errno.EACCES, msg.sizeUnbounded(regno));
  checkHelperMemAccess(env, regno - 1, umax, type, zeroSizeAllowed, known ? meta : null);
  markChainPrecision(env, regno);
}

const saved = new RegState();

/** Runs `check` with a pointer that may be NULL taken as not NULL. */
function assumingNotNull(reg: RegState, check: () => void): void {
  if (!typeMayBeNull(reg.type)) {
    check();
    return;
  }
  saved.assign(reg);
  markPtrNotNullReg(reg);
  check();
  reg.assign(saved);
}

/** check_mem_reg: `size` bytes at the register may be read and written; NULL is fine. */
export function checkMemReg(env: Env, reg: RegState, regno: number, size: number): void {
  if (registerIsNull(reg)) return;
  assumingNotNull(reg, () => {
    checkHelperMemAccess(env, regno, size, BPF_READ, true, null);
    checkHelperMemAccess(env, regno, size, BPF_WRITE, true, null);
  });
}

/** check_kfunc_mem_size_reg; adds the pair's message to what the check says. */
export function checkKfuncMemSizeReg(env: Env, regno: number, arg: number): void {
  const memReg = env.curRegs()[regno - 1] as RegState;
  try {
    assumingNotNull(memReg, () => {
      const meta: RawMode = { rawMode: false, accessSize: 0, regno: 0 };
      checkMemSizeReg(env, regno, BPF_READ, true, meta);
      checkMemSizeReg(env, regno, BPF_WRITE, true, meta);
    });
  } catch (error) {
    if (error instanceof Reject) env.verbose(`${msg.memLenPair(arg, arg + 1)}\n`);
    throw error;
  }
}
