/** In which kind of section the current instruction runs. */
import type { Env } from './env.ts';

/** in_rcu_cs: RCU pointers are valid here. */
export function inRcuCs(env: Env): boolean {
  const state = env.curState;
  return state.activeRcuLock || state.activeLocks > 0 || !state.inSleepable;
}
