/** Calls of kfuncs (check_kfunc_call). */
import { MEM_RCU, PTR_MAYBE_NULL, PTR_UNTRUSTED } from '../kernel/bpf/bpf.ts';
import { KF_DESTRUCTIVE, KF_RCU_PROTECTED, KF_SLEEPABLE } from '../kernel/bpf/rows.ts';
import { errno } from '../uapi/errno.ts';
import { kfuncLike, kfuncName } from './call_info.ts';
import { setRbtreeAddCallbackState, setTaskWorkCallbackState, setTimerCallbackState } from './callbacks.ts';
import { checkReturnCode } from './check_attach.ts';
import { inRcuCs, nonSleepableContext } from './context.ts';
import { type Env, type Insn, Reject } from './env.ts';
import { pushCallbackCall, pushStack, type SetCalleeState } from './frames.ts';
import { STACK_ITER, STACK_SPILL } from './func_state.ts';
import { refConvertOwningNonOwning } from './graph.ts';
import { IS_ITER_NEXT } from './insn_aux.ts';
import { processIterNextCall } from './iter_args.ts';
import { checkKfuncArgs } from './kfunc_args.ts';
import { KfuncCall } from './kfunc_call.ts';
import { fetchKfuncMeta, type KfuncMeta } from './kfunc_meta.ts';
import { kfuncProto } from './kfunc_params.ts';
import { kfuncReturn } from './kfunc_return.ts';
import { msg } from './messages.ts';
import { rangeS64 } from './range.ts';
import { releaseReference } from './refs.ts';
import type { RegState } from './reg_state.ts';
import { CALLER_SAVED_REGS } from './regs.ts';
import { forEachReg } from './verifier_state.ts';

const MAX_ERRNO = 4095;

/** Kfuncs that may be called while a bpf_spin_lock is held (kfunc_spin_allowed). */
const SPIN_ALLOWED: ReadonlySet<string> = new Set([
  'bpf_list_push_front_impl',
  'bpf_list_push_back_impl',
  'bpf_list_pop_front',
  'bpf_list_pop_back',
  'bpf_list_front',
  'bpf_list_back',
  'bpf_rbtree_add_impl',
  'bpf_rbtree_remove',
  'bpf_rbtree_first',
  'bpf_rbtree_root',
  'bpf_rbtree_left',
  'bpf_rbtree_right',
  'bpf_refcount_acquire_impl',
  'bpf_iter_num_new',
  'bpf_iter_num_next',
  'bpf_iter_num_destroy',
  'bpf_res_spin_lock',
  'bpf_res_spin_unlock',
  'bpf_res_spin_lock_irqsave',
  'bpf_res_spin_unlock_irqrestore',
]);

/** kfunc_spin_allowed */
export function kfuncSpinAllowed(env: Env, insn: Insn): boolean {
  const name = kfuncLike(env, insn);
  return SPIN_ALLOWED.has(name) && (!name.startsWith('bpf_iter_num') || env.has('iterators_under_lock'));
}

/** Kfuncs that call back: what the callback gets, and whether it may sleep when it runs later. */
const CALLBACKS: Readonly<Record<string, { readonly set: SetCalleeState; readonly sleepable: boolean }>> = {
  bpf_rbtree_add_impl: { set: setRbtreeAddCallbackState, sleepable: false },
  bpf_wq_set_callback_impl: { set: setTimerCallbackState, sleepable: true },
  bpf_task_work_schedule_signal_impl: { set: setTaskWorkCallbackState, sleepable: true },
  bpf_task_work_schedule_resume_impl: { set: setTaskWorkCallbackState, sleepable: true },
};

const INSERTS: ReadonlySet<string> = new Set([
  'bpf_list_push_front_impl',
  'bpf_list_push_back_impl',
  'bpf_rbtree_add_impl',
]);

/** Checks the call at env.insnIdx and leaves the state after it. */
export function checkKfuncCall(env: Env, insn: Insn): void {
  // A weak kfunc that the kernel does not have: an error only if the call survives dead code removal.
  if (insn.imm === 0) return;
  const insnIdx = env.insnIdx;
  const meta = fetchKfuncMeta(env, insn);
  if (!meta) env.reject(errno.EACCES, msg.kfuncNotAllowed(kfuncName(env, insn)));
  const call = new KfuncCall(
    meta,
    kfuncProto(env.vmlinux, meta.protoId, env.profile.kfuncProto(meta.name)),
    env.has('trusted_args_default'),
  );
  if (call.iterNext) env.aux.add(insnIdx, IS_ITER_NEXT);
  if (meta.name === 'bpf_res_spin_lock' || meta.name === 'bpf_res_spin_lock_irqsave') pushFailedLock(env);
  if (meta.name === '__bpf_trap') env.reject(errno.EFAULT, msg.trapReached());
  if (meta.flags & KF_DESTRUCTIVE && !env.allowPtrLeaks) env.reject(errno.EACCES, msg.destructive());
  const sleepable = (meta.flags & KF_SLEEPABLE) !== 0;
  if (sleepable && !env.curState.inSleepable) env.reject(errno.EACCES, msg.kfuncMustSleep(meta.name));
  checkKfuncArgs(env, call, insnIdx);
  const callback = CALLBACKS[meta.like];
  if (callback) {
    try {
      pushCallbackCall(env, insn, insnIdx, call.subprogno, callback.set, callback.sleepable);
    } catch (error) {
      if (error instanceof Reject) env.verbose(`${msg.kfuncCallback(meta.name, meta.funcId)}\n`);
      throw error;
    }
  }
  if (meta.name === 'bpf_session_cookie') call.r0Size = 8;
  enterOrLeave(env, meta, sleepable);
  if (meta.flags & KF_RCU_PROTECTED && !inRcuCs(env)) env.reject(errno.EACCES, msg.kfuncNeedsRcu(meta.name));
  release(env, call, insnIdx);
  if (meta.name === 'bpf_throw') {
    env.seenException = true;
    if (!env.exceptionCallbackSubprog) checkReturnCode(env, 1, 'R1');
  }
  kfuncReturn(env, call, insnIdx);
  if (call.iterNext) processIterNextCall(env, insnIdx, call);
}

/** A resilient lock may fail: that branch goes on with a negative R0 and without the lock. */
function pushFailedLock(env: Env): void {
  const failed = pushStack(env, env.insnIdx + 1, env.insnIdx, false, errno.ENOMEM, msg.lockFailurePush());
  const { regs } = failed.func();
  for (let i = 0; i < CALLER_SAVED_REGS; i++) (regs[i] as RegState).markNotInit();
  const r0 = regs[0] as RegState;
  r0.markUnknown();
  r0.val = rangeS64(-MAX_ERRNO, -1);
  r0.subregDef = env.insnIdx + 1;
}

/** RCU read sides, and regions without preemption or interrupts: begun, ended, or slept in. */
function enterOrLeave(env: Env, { name }: KfuncMeta, sleepable: boolean): void {
  const state = env.curState;
  const rcuLock = name === 'bpf_rcu_read_lock';
  const rcuUnlock = name === 'bpf_rcu_read_unlock';
  const named = env.has('sleep_context_named');
  if (rcuLock || rcuUnlock) {
    if (rcuUnlock && !state.activeRcuLocks) env.reject(errno.EINVAL, msg.rcuUnmatched(name));
    if (rcuLock && state.activeRcuLocks && !env.has('nested_rcu_read_lock')) {
      env.reject(errno.EINVAL, msg.rcuNested(name));
    }
    state.activeRcuLocks += rcuLock ? 1 : -1;
    if (!state.activeRcuLocks) forEachReg(state, forgetRcu, (1 << STACK_SPILL) | (1 << STACK_ITER));
  } else if (name === 'bpf_preempt_disable') {
    state.activePreemptLocks++;
  } else if (name === 'bpf_preempt_enable') {
    if (!state.activePreemptLocks) env.reject(errno.EINVAL, msg.preemptUnmatched(name));
    state.activePreemptLocks--;
  }
  const where = sleepable ? nonSleepableContext(env) : '';
  if (where && (named || where !== 'lock region')) env.reject(errno.EACCES, msg.kfuncSleepsIn(name, where));
}

/** What RCU protected may be gone after the read side. */
function forgetRcu(reg: RegState): void {
  if (reg.type & MEM_RCU) reg.type = (reg.type & ~(MEM_RCU | PTR_MAYBE_NULL)) | PTR_UNTRUSTED;
}

/** References that the call takes over: released, or kept in a list or tree. */
function release(env: Env, call: KfuncCall, insnIdx: number): void {
  const regs = env.curRegs();
  const { name, funcId } = call.meta;
  if (call.releaseRegno && !releaseReference(env, (regs[call.releaseRegno] as RegState).refObjId)) {
    env.reject(errno.EINVAL, msg.kfuncNotAcquired(name, funcId));
  }
  if (!INSERTS.has(call.meta.like)) return;
  const node = regs[2] as RegState;
  const aux = env.aux.of(insnIdx);
  aux.insertOff = node.off;
  aux.kptrStructId = call.argBtfId;
  const id = node.refObjId;
  if (!refConvertOwningNonOwning(env, id) || !releaseReference(env, id)) {
    env.reject(errno.EINVAL, msg.kfuncNotAcquired(name, funcId));
  }
}
