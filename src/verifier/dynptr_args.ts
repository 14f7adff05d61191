/** Dynptrs that are passed to a call (process_dynptr_func). */
import { CONST_PTR_TO_DYNPTR, MEM_RDONLY, MEM_UNINIT, PTR_TO_STACK } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_DW } from '../uapi/insn.ts';
import { checkMemAccess } from './check_mem.ts';
import { BPF_WRITE } from './check_region.ts';
import {
  argToDynptrType,
  dynptrTypeStr,
  isDynptrRegValidInit,
  isDynptrRegValidUninit,
  isDynptrTypeExpected,
  markDynptrRead,
  markStackSlotsDynptr,
} from './dynptr.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import type { RegState } from './reg_state.ts';

const BPF_DYNPTR_SIZE = 16;

/** process_dynptr_func: MEM_UNINIT makes a new one on the stack, MEM_RDONLY takes a constant one too. */
export function processDynptrFunc(
  env: Env,
  regno: number,
  insnIdx: number,
  argType: number,
  cloneRefObjId: number,
): void {
  const reg = env.curRegs()[regno] as RegState;
  if (reg.type !== PTR_TO_STACK && reg.type !== CONST_PTR_TO_DYNPTR) {
    env.reject(errno.EINVAL, msg.dynptrExpected(regno - 1));
  }
  const made = MEM_UNINIT | MEM_RDONLY;
  if ((argType & made) === made) env.reject(errno.EFAULT, msg.dynptrFlags());
  if (argType & MEM_UNINIT) {
    if (!isDynptrRegValidUninit(env, reg)) env.reject(errno.EINVAL, msg.dynptrNotUninit());
    for (let i = 0; i < BPF_DYNPTR_SIZE; i += 8) {
      checkMemAccess(env, insnIdx, regno, i, BPF_DW, BPF_WRITE, -1, false, false);
    }
    markStackSlotsDynptr(env, reg, argType, insnIdx, cloneRefObjId);
    return;
  }
  if (!isDynptrRegValidInit(env, reg)) env.reject(errno.EINVAL, msg.dynptrNotInit(regno - 1));
  if (!isDynptrTypeExpected(env, reg, argType & ~MEM_RDONLY)) {
    env.reject(errno.EINVAL, msg.dynptrWrongType(dynptrTypeStr(argToDynptrType(argType)), regno - 1));
  }
  markDynptrRead(env, reg);
}
