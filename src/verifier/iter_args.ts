/** Iterators that are passed to a kfunc (process_iter_arg), and the two ways on after a step (process_iter_next_call). */
import type { BtfStruct } from '../btf/btf.ts';
import { PTR_TO_STACK } from '../kernel/bpf/bpf.ts';
import { KF_RCU_PROTECTED } from '../kernel/bpf/rows.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_DW } from '../uapi/insn.ts';
import { checkMemAccess } from './check_mem.ts';
import { BPF_WRITE } from './check_region.ts';
import type { Env } from './env.ts';
import { pushStack } from './frames.ts';
import type { FuncState } from './func_state.ts';
import {
  isIterRegValidUninit,
  iterRegValidInit,
  iterSpi,
  markIterRead,
  markStackSlotsIter,
  unmarkStackSlotsIter,
} from './iter_slots.ts';
import type { KfuncCall } from './kfunc_call.ts';
import { BPF_REG_SIZE } from './limits.ts';
import { msg } from './messages.ts';
import { findPrevEntry, widenImpreciseScalars } from './prune.ts';
import { markPtrNotNullReg } from './ptr_or_null.ts';
import { BPF_ITER_STATE_ACTIVE, BPF_ITER_STATE_DRAINED, type RegState } from './reg_state.ts';
import { frameOf } from './slots.ts';
import type { VerifierState } from './verifier_state.ts';

const PREFIX = 'bpf_iter_';

/** process_iter_arg */
export function processIterArg(env: Env, regno: number, insnIdx: number, call: KfuncCall): void {
  const reg = env.curRegs()[regno] as RegState;
  const arg = regno - 1;
  if (reg.type !== PTR_TO_STACK) env.reject(errno.EINVAL, msg.iterExpected(arg));
  const btf = env.vmlinux;
  const btfId = call.proto.params[arg]?.refId ?? 0;
  const type = btf.type(btfId);
  if (type.kind !== 'struct' || !type.name.startsWith(PREFIX)) env.reject(errno.EINVAL, msg.iterInvalid(arg));
  const name = type.name.slice(PREFIX.length);
  const slots = (type as BtfStruct).size / BPF_REG_SIZE;
  if (call.iterNew) {
    if (!isIterRegValidUninit(env, reg, slots)) env.reject(errno.EINVAL, msg.iterNotUninit(name, arg));
    for (let i = 0; i < slots * BPF_REG_SIZE; i += BPF_REG_SIZE) {
      checkMemAccess(env, insnIdx, regno, i, BPF_DW, BPF_WRITE, -1, false, false);
    }
    markStackSlotsIter(env, reg, insnIdx, btf, btfId, slots, (call.meta.flags & KF_RCU_PROTECTED) !== 0);
    return;
  }
  const valid = iterRegValidInit(env, reg, btf, btfId, slots);
  if (valid === 'invalid') env.reject(errno.EINVAL, msg.iterNotInit(name, arg));
  if (valid === 'rcu') env.reject(errno.EPROTO, msg.iterNeedsRcu(call.meta.name));
  const spi = iterSpi(env, reg, slots);
  markIterRead(env, reg, spi, slots);
  call.iterSpi = spi;
  call.iterFrameno = reg.frameno;
  call.refObjId = frameOf(env, reg).slot(spi).spilled.refObjId;
  if (call.iterDestroy) unmarkStackSlotsIter(env, reg, slots);
}

/** get_iter_from_state */
export function iterFromState(state: VerifierState, call: KfuncCall): RegState {
  return (state.frame[call.iterFrameno] as FuncState).slot(call.iterSpi).spilled;
}

/** process_iter_next_call: here the iterator is drained and R0 is NULL; a queued branch goes on with an element. */
export function processIterNextCall(env: Env, insnIdx: number, call: KfuncCall): void {
  const state = env.curState;
  const iter = iterFromState(state, call);
  if (iter.iterState === BPF_ITER_STATE_ACTIVE) {
    const prev = state.parent ? findPrevEntry(env, state.parent, insnIdx) : null;
    const queued = pushStack(env, insnIdx + 1, insnIdx, false, errno.ENOMEM);
    const queuedIter = iterFromState(queued, call);
    queuedIter.iterState = BPF_ITER_STATE_ACTIVE;
    queuedIter.iterDepth++;
    if (prev) widenImpreciseScalars(env, prev, queued);
    markPtrNotNullReg(queued.func().reg(0));
  }
  iter.iterState = BPF_ITER_STATE_DRAINED;
  state.func().reg(0).markKnownZero();
}
