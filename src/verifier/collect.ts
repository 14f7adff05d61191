/** Gives back the numbers (range.ts) that no state knows any more: a long verification makes several for each instruction. */
import type { Env } from './env.ts';
import type { FuncState } from './func_state.ts';
import { range } from './range.ts';
import type { VerifierState } from './verifier_state.ts';

/** Called between two instructions, when only states hold numbers. Does nothing most of the time. */
export function collectRanges(env: Env): void {
  if (range.count() < env.collectAt) return;
  range.beginMark();
  const seen = new Set<VerifierState | FuncState>();
  markStates(env.curState, seen);
  for (const { state } of env.stack) markStates(state, seen);
  for (const states of env.explored) for (const { state } of states ?? []) markStates(state, seen);
  for (const { entryState, backedges } of env.sccVisits.values()) {
    markStates(entryState, seen);
    for (const state of backedges) {
      markStates(state, seen);
      markStates(state.equalState, seen);
    }
  }
  range.sweep();
  env.collectAt = Math.max(env.collectAt, range.count() * 2);
}

/** A state, and those that its path came through. */
function markStates(from: VerifierState | null, seen: Set<VerifierState | FuncState>): void {
  for (let state = from; state && !seen.has(state); state = state.parent) {
    seen.add(state);
    for (const frame of state.frame) {
      // Remembered states share what did not change between them.
      if (seen.has(frame)) continue;
      seen.add(frame);
      for (const reg of frame.regs) range.mark(reg.val);
      for (const slot of frame.stack) range.mark(slot.spilled.val);
    }
  }
}
