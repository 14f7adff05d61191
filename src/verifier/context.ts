/** In which kind of section the current instruction runs. */
import type { Env } from './env.ts';

/** in_rcu_cs: RCU pointers are valid here. */
export function inRcuCs(env: Env): boolean {
  const state = env.curState;
  return state.activeRcuLocks > 0 || state.activeLocks > 0 || !state.inSleepable;
}

/** non_sleepable_context_description: why the current instruction may not sleep; empty when it may. */
export function nonSleepableContext(env: Env): string {
  const state = env.curState;
  if (state.activeRcuLocks) return 'rcu_read_lock region';
  if (state.activePreemptLocks) return 'non-preemptible region';
  if (state.activeIrqId) return 'IRQ-disabled region';
  if (state.activeLocks) return 'lock region';
  return state.inSleepable ? '' : 'non-sleepable prog';
}
