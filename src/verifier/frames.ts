/** Pending branches and call frames: push_stack, check_func_call, push_callback_call, prepare_func_exit. */

import { InvariantError } from '../errors.ts';
import { PTR_TO_STACK, SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import { type Errno, errno } from '../uapi/errno.ts';
import { markChainPrecision } from './backtrack.ts';
import { isAsyncCallbackCallingInsn } from './call_info.ts';
import { clearAllPktPointers } from './check_pkt.ts';
import { nonSleepableContext } from './context.ts';
import { type Env, type Insn, Reject } from './env.ts';
import { btfCheckSubprogCall, subprogReturnsVoid } from './func_args.ts';
import { FuncState } from './func_state.ts';
import { BPF_COMPLEXITY_LIMIT_JMP_SEQ, MAX_BPF_REG } from './limits.ts';
import { markVerifierStateScratched, printVerifierState } from './log.ts';
import { BPF_LOG_LEVEL } from './log_buffer.ts';
import { msg } from './messages.ts';
import { findPrevEntry, widenImpreciseScalars } from './prune.ts';
import { RegState } from './reg_state.ts';
import { CALLER_SAVED_REGS, markRegUnknown } from './regs.ts';
import { retvalRangeWithin, verboseInvalidScalar } from './retval.ts';
import { VerifierState } from './verifier_state.ts';

export const BPF_MAIN_FUNC = -1;

/** init_func_state: R10 is the frame pointer, the rest is not initialised. */
export function initFuncState(env: Env, callsite: number, frameno: number, subprogno: number): FuncState {
  const frame = new FuncState(callsite, frameno, subprogno);
  for (let i = 0; i < MAX_BPF_REG; i++) frame.regs.push(new RegState().markNotInit());
  const fp = frame.reg(10);
  fp.markPointer(PTR_TO_STACK);
  fp.frameno = frameno;
  markVerifierStateScratched(env);
  return frame;
}

/** Pending states that keep registers of their own: those that come next are not worth the trouble. */
const OWN_PENDING = 32;

/**
 * push_stack: a copy of the current state, to be continued at `insnIdx` later.
 * @param tooMany - what the caller makes of too many of them
 * @param remarks - what the caller says of it, behind the message
 */
export function pushStack(
  env: Env,
  insnIdx: number,
  prevInsnIdx: number,
  speculative: boolean,
  tooMany: Errno = errno.EFAULT,
  ...remarks: readonly string[]
): VerifierState {
  const state = env.curState.clone();
  env.stack.push({ state, insnIdx, prevInsnIdx, logPos: env.log.length });
  if (speculative) state.speculative = true;
  if (env.stack.length > BPF_COMPLEXITY_LIMIT_JMP_SEQ) {
    const lines = [msg.tooManyJumps(env.stack.length), ...remarks];
    env.reject(env.has('jumps_too_complex_e2big') ? errno.E2BIG : tooMany, ...lines);
  }
  if (state.parent) state.parent.branches++;
  env.stack[env.stack.length - OWN_PENDING]?.state.share();
  return state;
}

/** Registers R0 to R5 after a call: not initialised. */
export function clearCallerSavedRegs(env: Env, regs: readonly RegState[]): void {
  for (let i = 0; i < CALLER_SAVED_REGS; i++) {
    (regs[i] as RegState).markNotInit();
    env.markRegScratched(i);
  }
}

/** Gives the callee its arguments. `insnIdx`: the call. */
export type SetCalleeState = (env: Env, caller: FuncState, callee: FuncState, insnIdx: number) => void;

/** set_callee_state: R1 to R5 are the caller's. */
export const setCalleeState: SetCalleeState = (_env, caller, callee) => {
  for (let i = 1; i <= 5; i++) callee.reg(i).assign(caller.reg(i));
};

/** setup_func_entry: a new frame on `state`. */
export function setupFuncEntry(
  env: Env,
  subprog: number,
  callsite: number,
  setCallee: SetCalleeState,
  state: VerifierState,
): void {
  if (state.curframe + 1 >= env.maxCallFrames) env.reject(errno.E2BIG, msg.callStackTooDeep(state.curframe + 2));
  const caller = state.func();
  const callee = initFuncState(env, callsite, state.curframe + 1, subprog);
  state.frame[state.curframe + 1] = callee;
  setCallee(env, caller, callee, callsite);
  state.curframe++;
}

/** The errno that btf_check_subprog_call gives; its messages have been logged. 0: the arguments fit. */
function checkSubprogArgs(env: Env, subprog: number, regs: readonly RegState[]): number {
  try {
    btfCheckSubprogCall(env, subprog, regs);
    return 0;
  } catch (error) {
    if (!(error instanceof Reject) || error.errno === errno.EFAULT) throw error;
    return error.errno;
  }
}

/** check_func_call: a static function is walked into, a global one is taken by its prototype. */
export function checkFuncCall(env: Env, insn: Insn): void {
  const state = env.curState;
  const target = env.insnIdx + insn.imm + 1;
  const subprog = env.findSubprog(target);
  if (subprog < 0) throw new InvariantError(`no function starts at instruction ${target}`);
  const caller = state.func();
  const failed = checkSubprogArgs(env, subprog, caller.regs);
  const info = env.subprog(subprog);
  if (info.isGlobal) {
    if (state.activeLocks) env.reject(errno.EINVAL, ...msg.globalCallWithLock());
    if (state.activePreemptLocks && !env.has('sleepable_global_functions')) {
      env.reject(errno.EINVAL, ...msg.globalCallNoPreempt());
    }
    if (
      env.has('sleepable_global_functions') &&
      info.mightSleep &&
      (state.activeRcuLocks || state.activePreemptLocks || state.activeIrqId || !state.inSleepable)
    ) {
      const where = env.has('sleep_context_named') ? nonSleepableContext(env) : '';
      env.reject(errno.EINVAL, ...(where ? [msg.globalSleepsIn(info.name, where)] : msg.globalCallMaySleep()));
    }
    if (failed) env.reject(failed as typeof errno.EINVAL, msg.callerPassesInvalid(subprog, info.name));
    if (env.log.level & BPF_LOG_LEVEL) env.verbose(`${msg.globalAssumedValid(subprog, info.name)}\n`);
    if (info.changesPktData) clearAllPktPointers(env);
    info.called = true;
    clearCallerSavedRegs(env, caller.regs);
    if (!subprogReturnsVoid(env, subprog)) {
      markRegUnknown(env, caller.regs, 0);
      caller.reg(0).subregDef = 0;
    }
    return;
  }
  setupFuncEntry(env, subprog, env.insnIdx, setCalleeState, state);
  clearCallerSavedRegs(env, caller.regs);
  // The main loop goes on with the next one.
  env.insnIdx = info.start - 1;
  env.liveness.resetCallchain();
  if (env.log.level & BPF_LOG_LEVEL) {
    env.verbose('caller:\n');
    printVerifierState(env, state, caller.frameno, true);
    env.verbose('callee:\n');
    printVerifierState(env, state, state.curframe, true);
  }
}

/** push_async_cb: the callback starts on an empty stack of its own. */
function pushAsyncCb(
  env: Env,
  insnIdx: number,
  prevInsnIdx: number,
  subprog: number,
  sleepable: boolean,
): VerifierState {
  const state = new VerifierState();
  env.stack.push({ state, insnIdx, prevInsnIdx, logPos: env.log.length });
  if (env.stack.length > BPF_COMPLEXITY_LIMIT_JMP_SEQ) {
    const tooMany = env.has('jumps_too_complex_e2big') ? errno.E2BIG : errno.EFAULT;
    env.reject(tooMany, msg.tooManyJumpsAsync(env.stack.length));
  }
  state.branches = 1;
  state.inSleepable = sleepable || (env.sleepable && !env.has('async_callback_own_context'));
  state.frame.push(initFuncState(env, BPF_MAIN_FUNC, 0, subprog));
  return state;
}

/**
 * push_callback_call: the helper or kfunc at `insnIdx` calls `subprog`. A callback that runs during the call is explored as
 * a branch that returns to the call; one that runs later, as a program of its own. `asyncSleepable`: that one may sleep.
 */
export function pushCallbackCall(
  env: Env,
  insn: Insn,
  insnIdx: number,
  subprog: number,
  setCallee: SetCalleeState,
  asyncSleepable = false,
): void {
  const state = env.curState;
  const caller = state.func();
  checkSubprogArgs(env, subprog, caller.regs);
  const info = env.subprog(subprog);
  info.isCb = true;
  if (isAsyncCallbackCallingInsn(env, insn)) {
    info.isAsyncCb = true;
    const async = pushAsyncCb(env, info.start, insnIdx, subprog, asyncSleepable);
    const callee = async.func();
    callee.asyncEntryCnt = caller.asyncEntryCnt + 1;
    setCallee(env, caller, callee, insnIdx);
    return;
  }
  const callback = pushStack(env, info.start, insnIdx, false, errno.ENOMEM);
  setupFuncEntry(env, subprog, insnIdx, setCallee, callback);
  callback.callbackUnrollDepth++;
  (callback.frame[callback.curframe - 1] as FuncState).callbackDepth++;
  caller.callbackDepth = 0;
}

/** prepare_func_exit: back to the caller, or to the call that runs the callback again. */
export function prepareFuncExit(env: Env): void {
  const state = env.curState;
  env.liveness.update();
  const callee = state.func();
  const r0 = callee.reg(0);
  if (r0.type === PTR_TO_STACK) env.reject(errno.EINVAL, msg.returnsStackPointer());
  const caller = state.frame[state.curframe - 1] as FuncState;
  const inCallback = callee.inCallbackFn;
  if (inCallback) {
    if (r0.type !== SCALAR_VALUE) env.reject(errno.EACCES, msg.r0NotScalar());
    markChainPrecision(env, 0);
    if (!retvalRangeWithin(callee.retRange, r0, false)) {
      verboseInvalidScalar(env, r0, callee.retRange, 'At callback return', 'R0');
      env.reject(errno.EINVAL);
    }
  } else {
    caller.reg(0).assign(r0);
  }
  env.insnIdx = inCallback ? callee.callsite : callee.callsite + 1;
  if (env.log.level & BPF_LOG_LEVEL) {
    env.verbose('returning from callee:\n');
    printVerifierState(env, state, callee.frameno, true);
    env.verbose(`to caller at ${env.insnIdx}:\n`);
    printVerifierState(env, state, caller.frameno, true);
  }
  state.frame.length = state.curframe;
  state.curframe--;
  env.liveness.resetCallchain();
  const prev = inCallback ? findPrevEntry(env, state, env.insnIdx) : null;
  if (prev) widenImpreciseScalars(env, prev, state);
}

/**
 * A call or load that may end the function it is in, at run time: the path behind it becomes a branch, and this one goes on in the
 * caller. `leave` says what the function leaves with.
 */
export function forkAbnormalReturn(env: Env, leave: (regs: readonly RegState[]) => void): void {
  if (!env.curState.curframe) return;
  env.markRegScratched(0);
  pushStack(env, env.insnIdx + 1, env.insnIdx, false);
  leave(env.curRegs());
  prepareFuncExit(env);
  // The main loop goes on with the next one.
  env.insnIdx--;
}
