/** The way that led to a rejection, for people. */
import type { Env } from './env.ts';
import type { JmpHistoryEntry, VerifierState } from './verifier_state.ts';

/** Longest path that is put together. */
const LIMIT = 20_000;

/**
 * Instructions from the start of the program to the current one, oldest first: walks the states of the path backwards, as
 * precision marking does. What functions and callbacks ran lies where they were called.
 */
export function walkedPath(env: Env): number[] {
  const path: number[] = [];
  let last = env.insnIdx;
  for (let st: VerifierState | null = env.curState; st && path.length < LIMIT; st = st.parent) {
    if (st !== env.curState) last = st.lastInsnIdx;
    let histEnd = st.jmpHistory.length;
    for (let i = last; i >= 0 && path.length < LIMIT; ) {
      path.push(i);
      const entry: JmpHistoryEntry | undefined = st.jmpHistory[histEnd - 1];
      if (i === st.firstInsnIdx && (histEnd === 0 || (histEnd === 1 && entry?.idx === i))) break;
      if (entry?.idx === i) {
        histEnd--;
        i = entry.prevIdx;
      } else {
        i--;
      }
    }
  }
  return path.reverse();
}
