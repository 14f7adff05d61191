/** References, locks and irq flags that a state holds (acquire_reference, release_reference ...). */
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import type { RegState } from './reg_state.ts';
import { typeIsNonOwningRef } from './regs.ts';
import {
  forEachReg,
  REF_TYPE_IRQ,
  REF_TYPE_LOCK_MASK,
  REF_TYPE_PTR,
  RefState,
  type VerifierState,
} from './verifier_state.ts';

/** acquire_reference: a new id, held until released. */
export function acquireReference(env: Env, insnIdx: number): number {
  const id = ++env.idGen;
  const frame = env.curFunc();
  const callbackRef = frame.inCallbackFn ? frame.frameno : 0;
  env.curState.refs.push(new RefState(REF_TYPE_PTR, id, insnIdx, null, callbackRef));
  return id;
}

/** release_reference_nomark: forgets the reference; false when it is not held, or not by this callback. */
export function releaseReferenceNomark(env: Env, id: number, state: VerifierState = env.curState): boolean {
  const i = state.refs.findIndex((ref) => ref.type === REF_TYPE_PTR && ref.id === id);
  if (i < 0) return false;
  if (!env.has('references_of_the_state') && notOfCallback(env, state.refs[i] as RefState)) return false;
  removeRef(state, i);
  return true;
}

/** release_reference_state: the others keep their order, which locks and irq flags rely on. */
function removeRef(state: VerifierState, i: number): void {
  state.refs.splice(i, 1);
}

/** release_reference: forgets it, and every register that held it. False when it is not held. */
export function releaseReference(env: Env, id: number): boolean {
  if (!releaseReferenceNomark(env, id)) return false;
  forEachReg(env.curState, (reg) => {
    if (reg.refObjId === id) markRegInvalid(env, reg);
  });
  return true;
}

/** mark_reg_invalid: what it held is gone; with pointer leaks allowed it becomes a scalar. */
export function markRegInvalid(env: Env, reg: RegState): void {
  if (env.allowPtrLeaks) reg.markUnknown();
  else reg.markNotInit();
}

/** find_reference_state */
export function findReferenceState(state: VerifierState, id: number): boolean {
  return state.refs.some((ref) => ref.type === REF_TYPE_PTR && ref.id === id);
}

/** A callback runs, and it was not the one that acquired the reference. */
function notOfCallback(env: Env, ref: RefState): boolean {
  const frame = env.curFunc();
  return frame.inCallbackFn && ref.callbackRef !== frame.frameno;
}

function logLeaks(env: Env, exceptionExit: boolean): boolean {
  const state = env.curState;
  const perFrame = !env.has('references_of_the_state');
  if (!exceptionExit && state.curframe && !(perFrame && env.curFunc().inCallbackFn)) return false;
  let leaked = false;
  for (const ref of state.refs) {
    if (ref.type !== REF_TYPE_PTR) continue;
    if (perFrame && !exceptionExit && notOfCallback(env, ref)) continue;
    env.verbose(`${msg.unreleased(ref.id, ref.insnIdx)}\n`);
    leaked = true;
  }
  return leaked;
}

/** check_resource_leak: references, and with `checkLock` locks and regions too. `what` ends in the message. */
export function checkResourceLeak(env: Env, exceptionExit: boolean, checkLock: boolean, what: string): void {
  if (checkLock && env.curState.activeLocks) env.reject(errno.EINVAL, msg.usedInLock(what));
  if (logLeaks(env, exceptionExit)) env.reject(errno.EINVAL, msg.leaksReference(what));
  if (checkLock) checkRegions(env, what);
}

function checkRegions(env: Env, what: string): void {
  const state = env.curState;
  if (state.activeIrqId) env.reject(errno.EINVAL, msg.usedInIrq(what));
  if (state.activeRcuLocks) env.reject(errno.EINVAL, msg.usedInRcu(what));
  if (state.activePreemptLocks) env.reject(errno.EINVAL, msg.usedInPreempt(what));
}

/** What an exit, or bpf_throw, leaves behind. */
export function checkExitLeaks(env: Env, exception: boolean): void {
  const what = exception ? 'bpf_throw' : 'BPF_EXIT instruction in main prog';
  const last = exception || env.curState.curframe === 0 || !env.has('locks_across_subprogs');
  if (env.has('references_of_the_state')) {
    checkResourceLeak(env, exception, last, what);
    return;
  }
  // Regions first, and no word of what was left but the references.
  if (last && env.curState.activeLocks) env.reject(errno.EINVAL, msg.lockMissing());
  if (last && env.curState.activeRcuLocks) env.reject(errno.EINVAL, msg.rcuMissing(exception));
  if (last && env.curState.activePreemptLocks) {
    env.reject(errno.EINVAL, msg.preemptMissing(exception, env.curState.activePreemptLocks));
  }
  if (logLeaks(env, exception)) env.reject(errno.EINVAL);
}

/** find_lock_state */
export function findLockState(
  state: VerifierState,
  type: number,
  id: number,
  ptr: object | null,
): RefState | undefined {
  return state.refs.find((ref) => (ref.type & type & REF_TYPE_LOCK_MASK) !== 0 && ref.id === id && ref.ptr === ptr);
}

/** acquire_lock_state */
export function acquireLockState(env: Env, type: number, id: number, ptr: object | null): void {
  const state = env.curState;
  state.refs.push(new RefState(type, id, env.insnIdx, ptr));
  state.activeLocks++;
  state.activeLockId = id;
  state.activeLockPtr = ptr;
}

/** release_lock_state: the innermost lock that stays held becomes the active one. False when it is not held. */
export function releaseLockState(state: VerifierState, type: number, id: number, ptr: object | null): boolean {
  let prevId = 0;
  let prevPtr: object | null = null;
  for (let i = 0; i < state.refs.length; i++) {
    const ref = state.refs[i] as RefState;
    if (ref.type === type && ref.id === id && ref.ptr === ptr) {
      removeRef(state, i);
      state.activeLocks--;
      state.activeLockId = prevId;
      state.activeLockPtr = prevPtr;
      return true;
    }
    if (ref.type & REF_TYPE_LOCK_MASK) {
      prevId = ref.id;
      prevPtr = ref.ptr;
    }
  }
  return false;
}

/** acquire_irq_state: the id of a region with interrupts off. */
export function acquireIrqState(env: Env, insnIdx: number): number {
  const id = ++env.idGen;
  env.curState.refs.push(new RefState(REF_TYPE_IRQ, id, insnIdx, null));
  env.curState.activeIrqId = id;
  return id;
}

/**
 * release_irq_state: regions end in the order opposite to that in which they began. 0: done; else an errno: EACCES out of
 * order (`acquiredAt` then names the instruction of the innermost one).
 */
export function releaseIrqState(state: VerifierState, id: number): boolean {
  if (id !== state.activeIrqId) return false;
  let prev = 0;
  for (let i = 0; i < state.refs.length; i++) {
    const ref = state.refs[i] as RefState;
    if (ref.type !== REF_TYPE_IRQ) continue;
    if (ref.id === id) {
      removeRef(state, i);
      state.activeIrqId = prev;
      return true;
    }
    prev = ref.id;
  }
  return false;
}

/** invalidate_non_owning_refs: after an unlock, nodes seen under the lock may be gone. */
export function invalidateNonOwningRefs(env: Env): void {
  forEachReg(env.curState, (reg) => {
    if (typeIsNonOwningRef(reg.type)) markRegInvalid(env, reg);
  });
}
