/** References, locks and irq flags that a state holds (acquire_reference, release_reference ...). */
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { REF_TYPE_LOCK_MASK, REF_TYPE_PTR, RefState, type VerifierState } from './types.ts';

/** acquire_reference: a new id, held until released. */
export function acquireReference(env: Env, insnIdx: number): number {
  const id = ++env.idGen;
  env.curState.refs.push(new RefState(REF_TYPE_PTR, id, insnIdx, null));
  return id;
}

/** release_reference_nomark: forgets the reference; false when it is not held. */
export function releaseReferenceNomark(state: VerifierState, id: number): boolean {
  const i = state.refs.findIndex((ref) => ref.type === REF_TYPE_PTR && ref.id === id);
  if (i < 0) return false;
  state.refs.splice(i, 1);
  return true;
}

/** find_reference_state */
export function findReferenceState(state: VerifierState, id: number): boolean {
  return state.refs.some((ref) => ref.type === REF_TYPE_PTR && ref.id === id);
}

/** check_reference_leak: at exit, nothing may be held. */
export function checkReferenceLeak(env: Env, exceptionExit: boolean): void {
  const state = env.curState;
  if (!exceptionExit && state.curframe) return;
  let leaked = false;
  for (const ref of state.refs) {
    if (ref.type !== REF_TYPE_PTR) continue;
    env.verbose(`Unreleased reference id=${ref.id} alloc_insn=${ref.insnIdx}\n`);
    leaked = true;
  }
  if (leaked) env.reject(errno.EINVAL);
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
