/** When a state that is known to be safe covers the current one (states_equal, regsafe, stacksafe, refsafe). */
import {
  baseType,
  NOT_INIT,
  PTR_TO_ARENA,
  PTR_TO_BUF,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import type { Env } from './env.ts';
import {
  type FuncState,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_IRQ_FLAG,
  STACK_ITER,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  type StackSlot,
} from './func_state.ts';
import { MAX_BPF_REG } from './limits.ts';
import { range } from './range.ts';
import { BPF_ADD_CONST, RegState } from './reg_state.ts';
import { REF_TYPE_LOCK_MASK, type RefState, type VerifierState } from './verifier_state.ts';

/** enum exact_level. */
export const NOT_EXACT = 0;
export const EXACT = 1;
export const RANGE_WITHIN = 2;

/** Which id of the old state stands for which of the current one (struct bpf_idmap). */
class IdMap {
  private readonly old: number[] = [];
  private readonly cur: number[] = [];
  private count = 0;
  private tmpId = 0;

  reset(idGen: number): void {
    this.count = 0;
    this.tmpId = idGen;
  }

  /** check_ids: a pair is entered when both are new, and has to be the same ever after. */
  check(oldId: number, curId: number): boolean {
    if ((oldId !== 0) !== (curId !== 0)) return false;
    if (oldId === 0) return true;
    for (let i = 0; i < this.count; i++) {
      if (this.old[i] === oldId) return this.cur[i] === curId;
      if (this.cur[i] === curId) return false;
    }
    this.old[this.count] = oldId;
    this.cur[this.count] = curId;
    this.count++;
    return true;
  }

  /** check_scalar_ids: an id of the current scalar alone does not matter. */
  checkScalar(oldId: number, curId: number): boolean {
    if (!oldId) return true;
    const cur = curId || ++this.tmpId;
    if (!this.check(oldId, cur)) return false;
    return !(oldId & BPF_ADD_CONST) || this.check(oldId & ~BPF_ADD_CONST, cur & ~BPF_ADD_CONST);
  }
}

const idmap = new IdMap();
const unbound = new RegState().markUnknown();

/** All that comes before the ids in struct bpf_reg_state. */
export function sameBeforeIds(a: RegState, b: RegState): boolean {
  return a.type === b.type && a.off === b.off && a.val === b.val && a.equalUnion(b);
}

function regsExact(old: RegState, cur: RegState): boolean {
  return sameBeforeIds(old, cur) && idmap.check(old.id, cur.id) && idmap.check(old.refObjId, cur.refObjId);
}

/** regs_exact for widening, with a map of its own scope (see prune.ts). */
export function regsExactForWiden(old: RegState, cur: RegState): boolean {
  return regsExact(old, cur);
}

export function resetIdMap(env: Env): void {
  idmap.reset(env.idGen);
}

/** env.exploreAluLimits of the comparison at hand. */
let strict = false;

function scalarSafe(old: RegState, cur: RegState, exact: number): boolean {
  if (strict) return sameBeforeIds(old, cur) && idmap.checkScalar(old.id, cur.id);
  if (!old.precise && exact === NOT_EXACT) return true;
  const adds = old.id & BPF_ADD_CONST;
  if (old.id && adds !== (cur.id & BPF_ADD_CONST)) return false;
  if (adds && old.off !== cur.off) return false;
  if (!idmap.checkScalar(old.id, cur.id)) return false;
  return old.val === cur.val || range.within(old.val, cur.val) !== 0;
}

/** regsafe: is `cur` allowed wherever `old` was? */
function regSafe(old: RegState, cur: RegState, exact: number): boolean {
  if (exact === EXACT) return regsExact(old, cur);
  if (old.type === NOT_INIT && (exact === NOT_EXACT || cur.type === NOT_INIT)) return true;
  if (old.type !== cur.type) return false;
  switch (baseType(old.type)) {
    case SCALAR_VALUE:
      return scalarSafe(old, cur, exact);
    case PTR_TO_MAP_KEY:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MEM:
    case PTR_TO_BUF:
    case PTR_TO_TP_BUFFER:
      return (
        old.off === cur.off &&
        old.equalUnion(cur) &&
        range.within(old.val, cur.val) !== 0 &&
        idmap.check(old.id, cur.id) &&
        idmap.check(old.refObjId, cur.refObjId)
      );
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET:
      if (old.pktRange < 0 || cur.pktRange < 0) {
        if (old.pktRange !== cur.pktRange) return false;
      } else if (old.pktRange > cur.pktRange) {
        return false;
      }
      return old.off === cur.off && idmap.check(old.id, cur.id) && range.within(old.val, cur.val) !== 0;
    case PTR_TO_STACK:
      return regsExact(old, cur) && old.frameno === cur.frameno;
    case PTR_TO_ARENA:
      return true;
    default:
      return regsExact(old, cur);
  }
}

/** Does the slot read as a 64-bit scalar? Then what it is; null otherwise. */
function scalarOf(env: Env, slot: StackSlot): RegState | null {
  if (slot.slotType(0) === STACK_SPILL && slot.spilled.type === SCALAR_VALUE) return slot.spilled;
  for (let i = 0; i < 8; i++) {
    const type = slot.slotType(i);
    if (type === STACK_MISC || (type === STACK_INVALID && env.allowUninitStack)) continue;
    return null;
  }
  return unbound;
}

function specialSlotSafe(type: number, old: RegState, cur: RegState, exact: number): boolean {
  switch (type) {
    case STACK_SPILL:
      return regSafe(old, cur, exact);
    case STACK_DYNPTR:
      return (
        old.dynptrType === cur.dynptrType &&
        old.dynptrFirstSlot === cur.dynptrFirstSlot &&
        idmap.check(old.refObjId, cur.refObjId)
      );
    case STACK_ITER:
      // Not its type: that a read section has ended since makes no difference to the kernel.
      return (
        old.btf === cur.btf &&
        old.btfId === cur.btfId &&
        old.iterState === cur.iterState &&
        idmap.check(old.refObjId, cur.refObjId)
      );
    case STACK_IRQ_FLAG:
      return idmap.check(old.refObjId, cur.refObjId) && old.irqKfuncClass === cur.irqKfuncClass;
    default:
      return true;
  }
}

/** stacksafe */
function stackSafe(env: Env, old: FuncState, cur: FuncState, exact: number): boolean {
  for (let spi = 0; spi < old.stack.length; spi++) {
    const oldSlot = old.stack[spi] as StackSlot;
    const curSlot = cur.stack[spi];
    if (exact !== NOT_EXACT && (!curSlot || oldSlot.types !== curSlot.types)) return false;
    if (oldSlot.types === 0) continue;
    for (let i = 0; i < 8; i++) {
      const oldType = oldSlot.slotType(i);
      if (oldType === STACK_INVALID) continue;
      if (env.allowUninitStack && oldType === STACK_MISC) continue;
      if (!curSlot) return false;
      const oldScalar = scalarOf(env, oldSlot);
      const curScalar = oldScalar && scalarOf(env, curSlot);
      if (oldScalar && curScalar) {
        if (!regSafe(oldScalar, curScalar, exact)) return false;
        break;
      }
      const curType = curSlot.slotType(i);
      if (oldType === STACK_MISC && curType === STACK_ZERO) continue;
      if (oldType !== curType) return false;
      if (i === 7 && !specialSlotSafe(oldType, oldSlot.spilled, curSlot.spilled, exact)) return false;
    }
  }
  return true;
}

/** refsafe: the same references, locks and regions are held. */
function refSafe(old: VerifierState, cur: VerifierState): boolean {
  if (
    old.refs.length !== cur.refs.length ||
    old.activeLocks !== cur.activeLocks ||
    old.activePreemptLocks !== cur.activePreemptLocks ||
    old.activeRcuLocks !== cur.activeRcuLocks ||
    !idmap.check(old.activeIrqId, cur.activeIrqId) ||
    !idmap.check(old.activeLockId, cur.activeLockId) ||
    old.activeLockPtr !== cur.activeLockPtr
  ) {
    return false;
  }
  for (let i = 0; i < old.refs.length; i++) {
    const a = old.refs[i] as RefState;
    const b = cur.refs[i] as RefState;
    if (!idmap.check(a.id, b.id) || a.type !== b.type) return false;
    if (a.type & REF_TYPE_LOCK_MASK && a.ptr !== b.ptr) return false;
  }
  return true;
}

/** Instruction that frame `frame` is at: its own, or the call it waits for. */
export function frameInsnIdx(state: VerifierState, frame: number): number {
  return frame === state.curframe ? state.insnIdx : (state.frame[frame + 1] as FuncState).callsite;
}

function funcStatesEqual(env: Env, old: FuncState, cur: FuncState, insnIdx: number, exact: number): boolean {
  if (old.callbackDepth > cur.callbackDepth) return false;
  const live = env.aux.liveRegsBefore[insnIdx] as number;
  for (let i = 0; i < MAX_BPF_REG; i++) {
    if (live & (1 << i) && !regSafe(old.regs[i] as RegState, cur.regs[i] as RegState, exact)) return false;
  }
  return stackSafe(env, old, cur, exact);
}

/** states_equal */
export function statesEqual(env: Env, old: VerifierState, cur: VerifierState, exact: number): boolean {
  if (old.curframe !== cur.curframe) return false;
  idmap.reset(env.idGen);
  strict = env.exploreAluLimits;
  if (old.speculative && !cur.speculative) return false;
  if (old.inSleepable !== cur.inSleepable) return false;
  if (!refSafe(old, cur)) return false;
  for (let f = 0; f <= old.curframe; f++) {
    const a = old.frame[f] as FuncState;
    const b = cur.frame[f] as FuncState;
    if (a.callsite !== b.callsite) return false;
    if (!funcStatesEqual(env, a, b, frameInsnIdx(old, f), exact)) return false;
  }
  return true;
}

/** states_maybe_looping: the registers of the running frame are the same in every field. */
export function statesMaybeLooping(old: VerifierState, cur: VerifierState): boolean {
  if (old.curframe !== cur.curframe) return false;
  const a = old.func();
  const b = cur.func();
  for (let i = 0; i < MAX_BPF_REG; i++) {
    const x = a.reg(i);
    const y = b.reg(i);
    if (!sameBeforeIds(x, y) || x.id !== y.id || x.refObjId !== y.refObjId) return false;
  }
  return true;
}
