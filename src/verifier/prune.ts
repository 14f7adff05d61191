/**
 * State pruning (is_state_visited): at prune points, states are remembered; a path that comes to a state that is covered by a
 * safe one ends there. Loops of iterators and callbacks end when they converge; their precision is then passed around the loop
 * until nothing changes (strongly connected components).
 */
import { SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import {
  btSetFrameReg,
  btSetFrameSlot,
  isSpilledReg,
  markAllScalarsImprecise,
  markAllScalarsPrecise,
  markChainPrecisionBatch,
  pushJmpHistory,
} from './backtrack.ts';
import type { Env, ExploredState, SccVisit } from './env.ts';
import { type FuncState, STACK_ITER } from './func_state.ts';
import { CALLS_CALLBACK, FORCE_CHECKPOINT, IS_ITER_NEXT, JMP_POINT } from './insn_aux.ts';
import { MAX_BPF_REG } from './limits.ts';
import { printVerifierState, verboseLinfo } from './log.ts';
import { BPF_LOG_LEVEL2 } from './log_buffer.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import { BPF_ITER_STATE_ACTIVE, type RegState } from './reg_state.ts';
import {
  EXACT,
  frameInsnIdx,
  NOT_EXACT,
  RANGE_WITHIN,
  regsExactForWiden,
  resetIdMap,
  statesEqual,
  statesMaybeLooping,
} from './states_equal.ts';
import type { VerifierState } from './verifier_state.ts';

/** explored_state: the bucket of states that instruction and call site share. */
function bucket(env: Env, idx: number): ExploredState[] {
  const frame = env.curState.func();
  const i = ((idx ^ frame.callsite) >>> 0) % env.insns.length;
  let states = env.explored[i];
  if (!states) {
    states = [];
    env.explored[i] = states;
  }
  return states;
}

function sameCallsites(a: VerifierState, b: VerifierState): boolean {
  if (a.curframe !== b.curframe) return false;
  for (let f = a.curframe; f >= 0; f--) {
    if ((a.frame[f] as FuncState).callsite !== (b.frame[f] as FuncState).callsite) return false;
  }
  return true;
}

/** Key of the loop that `state` is in: calls that lead to it and number; null: in none (compute_scc_callchain). */
function sccCallchain(env: Env, state: VerifierState): string | null {
  const callsites: number[] = [];
  for (let f = 0; f <= state.curframe; f++) {
    const idx = frameInsnIdx(state, f);
    const scc = env.aux.scc[idx] as number;
    if (scc) return `(${callsites.map((c) => `${c},`).join('')}${scc})`;
    if (f === state.curframe) return null;
    callsites.push(idx);
  }
  return null;
}

function maybeEnterScc(env: Env, state: VerifierState): void {
  const key = sccCallchain(env, state);
  if (key === null) return;
  let visit = env.sccVisits.get(key);
  if (!visit) {
    visit = { entryState: null, backedges: [] };
    env.sccVisits.set(key, visit);
  }
  if (visit.entryState) return;
  visit.entryState = state;
  if (env.log.level & BPF_LOG_LEVEL2) env.verbose(`SCC enter ${key}\n`);
}

function maybeExitScc(env: Env, state: VerifierState): void {
  const key = sccCallchain(env, state);
  if (key === null) return;
  const visit = env.sccVisits.get(key);
  // A path that bpf_throw ends inside a loop before any checkpoint.
  if (!visit) env.reject(errno.EFAULT, msg.sccNoVisit(key));
  if (visit.entryState !== state) return;
  if (env.log.level & BPF_LOG_LEVEL2) env.verbose(`SCC exit ${key}\n`);
  visit.entryState = null;
  env.numBackedges -= visit.backedges.length;
  propagateBackedges(env, visit);
}

/** Rounds after which everything becomes precise instead. */
const MAX_BACKEDGE_ITERS = 64;

function propagateBackedges(env: Env, visit: SccVisit): void {
  let changed = true;
  for (let i = 0; changed; i++) {
    if (i > MAX_BACKEDGE_ITERS) {
      if (env.log.level & BPF_LOG_LEVEL2) env.verbose('propagate_backedges: too many iterations\n');
      for (const state of visit.backedges) markAllScalarsPrecise(env, state);
      break;
    }
    changed = false;
    // Newest first, as the kernel's list has them.
    for (let b = visit.backedges.length - 1; b >= 0; b--) {
      const state = visit.backedges[b] as VerifierState;
      if (state.equalState && propagatePrecision(env, state.equalState, state)) changed = true;
    }
  }
  visit.backedges = [];
}

/** propagate_precision: what is precise in `old` has to be so on the path to `cur`, which it covers. */
function propagatePrecision(env: Env, old: VerifierState, cur: VerifierState): boolean {
  const log = (env.log.level & BPF_LOG_LEVEL2) !== 0;
  for (let f = old.curframe; f >= 0; f--) {
    const frame = old.frame[f] as FuncState;
    const names: string[] = [];
    for (let i = 0; i < 10; i++) {
      const reg = frame.reg(i);
      if (reg.type !== SCALAR_VALUE || !reg.precise) continue;
      names.push(`r${i}`);
      btSetFrameReg(f, i);
    }
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.slot(i);
      if (!isSpilledReg(slot) || slot.spilled.type !== SCALAR_VALUE || !slot.spilled.precise) continue;
      names.push(`fp${(-i - 1) * 8}`);
      btSetFrameSlot(f, i);
    }
    if (log && names.length) env.verbose(`frame ${f}: propagating ${names.join(',')}\n`);
  }
  return markChainPrecisionBatch(env, cur);
}

/** A loop whose precision is not final: states in it only match when they are within the other's ranges. */
function incompleteReadMarks(env: Env, state: VerifierState): boolean {
  const key = sccCallchain(env, state);
  const visit = key === null ? undefined : env.sccVisits.get(key);
  return visit !== undefined && visit.backedges.length > 0;
}

/** update_branch_counts: a path ended. */
export function updateBranchCounts(env: Env, ended: VerifierState): void {
  for (let st: VerifierState | null = ended; st; st = st.parent) {
    st.branches--;
    if (st.branches) return;
    maybeExitScc(env, st);
    if (st.inFreeList) maybeFree(env, st);
  }
}

/** maybe_free_verifier_state: a state that left its bucket counts until no path needs it. */
function maybeFree(env: Env, state: VerifierState): void {
  if (state.branches || incompleteReadMarks(env, state)) return;
  state.inFreeList = false;
  env.freeListSize--;
}

/** clean_verifier_state: what is not read any more needs no comparison. */
function cleanVerifierState(env: Env, state: VerifierState): void {
  env.liveness.queryInit(state);
  state.cleaned = true;
  for (let f = 0; f <= state.curframe; f++) {
    const frame = state.frame[f] as FuncState;
    const live = env.aux.liveRegsBefore[frameInsnIdx(state, f)] as number;
    for (let i = 0; i < 10; i++) if (!(live & (1 << i))) state.forgetReg(f, i);
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.slot(i);
      if (slot.types === 0 || env.liveness.isAlive(f, i)) continue;
      state.forgetSlot(f, i);
    }
  }
}

function cleanLiveStates(env: Env, states: readonly ExploredState[], insnIdx: number, cur: VerifierState): void {
  for (let i = 0; i < states.length; i++) {
    const { state } = states[i] as ExploredState;
    if (state.branches || state.insnIdx !== insnIdx || state.cleaned || !sameCallsites(state, cur)) continue;
    if (incompleteReadMarks(env, state)) continue;
    cleanVerifierState(env, state);
  }
}

/** iter_active_depths_differ: an iterator has advanced between the two. */
function iterActiveDepthsDiffer(old: VerifierState, cur: VerifierState): boolean {
  for (let f = old.curframe; f >= 0; f--) {
    const frame = old.frame[f] as FuncState;
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.slot(i);
      if (slot.slotType(0) !== STACK_ITER || slot.spilled.iterState !== BPF_ITER_STATE_ACTIVE) continue;
      if ((cur.frame[f] as FuncState).slot(i).spilled.iterDepth !== slot.spilled.iterDepth) return true;
    }
  }
  return false;
}

/** find_prev_entry: the latest state of this path at `insnIdx`. */
export function findPrevEntry(env: Env, cur: VerifierState, insnIdx: number): VerifierState | null {
  for (const { state } of bucket(env, insnIdx)) {
    if (state.insnIdx === insnIdx && state.branches && sameCallsites(state, cur) && state.dfsDepth < cur.dfsDepth) {
      return state;
    }
  }
  return null;
}

function maybeWidenReg(old: RegState, cur: RegState): void {
  if (old.type !== SCALAR_VALUE || cur.type !== SCALAR_VALUE) return;
  if (old.precise || cur.precise || regsExactForWiden(old, cur)) return;
  cur.markUnknown();
}

/** widen_imprecise_scalars: what a loop changes and nothing depends on becomes unknown, so that the loop converges. */
export function widenImpreciseScalars(env: Env, old: VerifierState, cur: VerifierState): void {
  resetIdMap(env);
  for (let f = old.curframe; f >= 0; f--) {
    const a = old.frame[f] as FuncState;
    const b = cur.frame[f] as FuncState;
    for (let i = 0; i < MAX_BPF_REG; i++) maybeWidenReg(a.reg(i), b.reg(i));
    const slots = Math.min(a.stack.length, b.stack.length);
    for (let i = 0; i < slots; i++) {
      if (isSpilledReg(a.slot(i)) && isSpilledReg(b.slot(i))) maybeWidenReg(a.slot(i).spilled, b.slot(i).spilled);
    }
  }
}

/** The iterator that bpf_iter_*_next is about to advance is active. */
function iterIsActive(cur: VerifierState): boolean {
  const reg = cur.func().reg(1);
  const spi = Math.floor((-(reg.off + range.valueLo(reg.val)) - 1) / 8);
  return (cur.frame[reg.frameno] as FuncState).slot(spi).spilled.iterState === BPF_ITER_STATE_ACTIVE;
}

function rejectInfiniteLoop(env: Env, old: VerifierState, cur: VerifierState, insnIdx: number): never {
  verboseLinfo(env, insnIdx, '; ');
  env.verbose(`infinite loop detected at insn ${insnIdx}\ncur state:`);
  printVerifierState(env, cur, cur.curframe, true);
  env.verbose('old state:');
  printVerifierState(env, old, cur.curframe, true);
  env.reject(errno.EINVAL);
}

const HIT = 1;
const MISS = 0;
const LOOP_HIT = 2;
/** Of a call with a callback: 6.18 takes for a loop what it took the last remembered state for. */
const CALLBACK_HIT = 3;

/** Compares with a state that this path came through itself. */
function compareWithAncestor(env: Env, old: VerifierState, cur: VerifierState, insnIdx: number): number {
  const frame = old.func();
  // Another entry into an async callback: no sign of a loop.
  if (frame.inAsyncCallbackFn && frame.asyncEntryCnt !== cur.func().asyncEntryCnt) return MISS;
  if (env.aux.has(insnIdx, IS_ITER_NEXT)) {
    return statesEqual(env, old, cur, RANGE_WITHIN) && iterIsActive(cur) ? LOOP_HIT : MISS;
  }
  if (
    env.insn(insnIdx).code === 0xe5 &&
    old.mayGotoDepth !== cur.mayGotoDepth &&
    statesEqual(env, old, cur, RANGE_WITHIN)
  ) {
    return LOOP_HIT;
  }
  if (env.aux.has(insnIdx, CALLS_CALLBACK)) return statesEqual(env, old, cur, RANGE_WITHIN) ? CALLBACK_HIT : MISS;
  if (
    statesMaybeLooping(old, cur) &&
    statesEqual(env, old, cur, EXACT) &&
    !iterActiveDepthsDiffer(old, cur) &&
    old.mayGotoDepth === cur.mayGotoDepth &&
    old.callbackUnrollDepth === cur.callbackUnrollDepth
  ) {
    rejectInfiniteLoop(env, old, cur, insnIdx);
  }
  return MISS;
}

/** The current state is covered by `old`: takes over its precision. */
function hit(env: Env, old: VerifierState, cur: VerifierState, insnIdx: number, loop: boolean): void {
  if (env.aux.has(insnIdx, JMP_POINT)) pushJmpHistory(env, cur, 0, null);
  propagatePrecision(env, old, cur);
  if (!loop) return;
  const key = sccCallchain(env, old);
  const visit = key === null ? undefined : env.sccVisits.get(key);
  if (!visit) return;
  const backedge = cur.clone();
  backedge.equalState = old;
  backedge.insnIdx = insnIdx;
  if (env.log.level & BPF_LOG_LEVEL2) env.verbose(`SCC backedge ${key}\n`);
  visit.backedges.push(backedge);
  env.numBackedges++;
  updatePeakStates(env);
}

function updatePeakStates(env: Env): void {
  const states = env.exploredStatesSize + env.freeListSize + env.numBackedges;
  if (states > env.peakStates) env.peakStates = states;
}

/** is_state_visited: true when the path may end here; otherwise the state may have been remembered. */
export function isStateVisited(env: Env, insnIdx: number): boolean {
  const cur = env.curState;
  const forceCheckpoint = env.aux.has(insnIdx, FORCE_CHECKPOINT);
  const forceNew = env.testStateFreq || forceCheckpoint || cur.jmpHistory.length > 40;
  let addNew = forceNew;
  if (env.jmpsProcessed - env.prevJmpsProcessed >= 2 && env.insnProcessed - env.prevInsnProcessed >= 8) {
    addNew = true;
  }
  const states = bucket(env, insnIdx);
  cleanLiveStates(env, states, insnIdx, cur);
  let count = 0;
  let loop = false;
  for (let i = 0; i < states.length; i++) {
    const entry = states[i] as ExploredState;
    const old = entry.state;
    count++;
    if (old.insnIdx !== insnIdx) continue;
    let result: number;
    if (old.branches) {
      result = compareWithAncestor(env, old, cur, insnIdx);
      if (
        result === MISS &&
        !forceNew &&
        env.jmpsProcessed - env.prevJmpsProcessed < 20 &&
        env.insnProcessed - env.prevInsnProcessed < 100
      ) {
        addNew = false;
      }
    } else {
      loop = incompleteReadMarks(env, old);
      result = statesEqual(env, old, cur, loop ? RANGE_WITHIN : NOT_EXACT) ? (loop ? LOOP_HIT : HIT) : MISS;
    }
    if (result !== MISS) {
      entry.hitCnt++;
      hit(env, old, cur, insnIdx, result === LOOP_HIT || (result === CALLBACK_HIT && loop));
      return true;
    }
    if (addNew) entry.missCnt++;
    const patience = forceCheckpoint && old.branches > 0 ? 64 : 3;
    if (entry.missCnt > entry.hitCnt * patience + patience) {
      // Unlikely to be of use any more.
      states.splice(i, 1);
      i--;
      env.exploredStatesSize--;
      old.inFreeList = true;
      env.freeListSize++;
      maybeFree(env, old);
    }
  }
  if (env.maxStatesPerInsn < count) env.maxStatesPerInsn = count;
  if (!addNew) return false;
  remember(env, cur, insnIdx, states);
  return false;
}

function remember(env: Env, cur: VerifierState, insnIdx: number, states: ExploredState[]): void {
  env.totalStates++;
  env.exploredStatesSize++;
  updatePeakStates(env);
  env.prevJmpsProcessed = env.jmpsProcessed;
  env.prevInsnProcessed = env.insnProcessed;
  if (env.bpfCapable) markAllScalarsImprecise(cur);
  const state = cur.freeze();
  state.insnIdx = insnIdx;
  maybeEnterScc(env, state);
  cur.parent = state;
  cur.firstInsnIdx = insnIdx;
  cur.dfsDepth = state.dfsDepth + 1;
  cur.jmpHistory = [];
  states.unshift({ state, missCnt: 0, hitCnt: 0 });
}
