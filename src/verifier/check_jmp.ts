/** Conditional jumps (check_cond_jmp_op): which way it goes, and what both ways say of the operands. */
import {
  baseType,
  CONST_PTR_TO_MAP,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET_END,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_UNTRUSTED,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { isSpilledReg, markChainPrecision, pushJmpHistory } from './backtrack.ts';
import { tryMatchPktPointers } from './check_pkt.ts';
import type { Env, Insn } from './env.ts';
import { pushStack } from './frames.ts';
import type { FuncState } from './func_state.ts';
import { BPF_MAX_VAR_OFF } from './limits.ts';
import { printInsnState } from './log.ts';
import { BPF_LOG_LEVEL } from './log_buffer.ts';
import { msg } from './messages.ts';
import { findPrevEntry, widenImpreciseScalars } from './prune.ts';
import { isTrustedReg, markPtrNotNullReg, markPtrOrNullRegs } from './ptr_or_null.ts';
import { knownOf, range } from './range.ts';
import { AT_PKT_END, BEYOND_PKT_END, BPF_ADD_CONST, BPF_ADD_CONST32, RegState } from './reg_state.ts';
import {
  boundsSanityCheck,
  checkRegArg,
  clearScalarId,
  isPointerValue,
  regIsPktPointerAny,
  SRC_OP,
  typeMayBeNull,
} from './regs.ts';
import { frameInsnIdx } from './states_equal.ts';
import { INSN_F_DST_REG_STACK, INSN_F_SRC_REG_STACK, type LinkedReg, type VerifierState } from './verifier_state.ts';

const JEQ = 0x10;
const JGT = 0x20;
const JGE = 0x30;
const JSET = 0x40;
const JNE = 0x50;
const JSGT = 0x60;
const JSGE = 0x70;
const JLT = 0xa0;
const JLE = 0xb0;
const JSLT = 0xc0;
const JSLE = 0xd0;
const JCOND = 0xe0;

/** a op b as b op' a. */
const FLIPPED: Readonly<Record<number, number>> = {
  [JEQ]: JEQ,
  [JNE]: JNE,
  [JSET]: JSET,
  [JGE]: JLE,
  [JGT]: JLT,
  [JLE]: JGE,
  [JLT]: JGT,
  [JSGE]: JSLE,
  [JSGT]: JSLT,
  [JSLE]: JSGE,
  [JSLT]: JSGT,
};

/** not (a op b); 0x48 is `no bit of b is set in a`. */
const REVERSED: Readonly<Record<number, number>> = {
  [JEQ]: JNE,
  [JNE]: JEQ,
  [JSET]: 0x48,
  [JGT]: JLE,
  [JLE]: JGT,
  [JGE]: JLT,
  [JLT]: JGE,
  [JSGT]: JSLE,
  [JSLE]: JSGT,
  [JSGE]: JSLT,
  [JSLT]: JSGE,
};

/** Types that are never NULL, besides memory and BTF pointers that can be trusted. */
const NOT_NULL: ReadonlySet<number> = new Set([
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_TO_BUF,
  PTR_TO_MAP_VALUE,
  PTR_TO_MAP_KEY,
  PTR_TO_SOCK_COMMON,
  CONST_PTR_TO_MAP,
]);

/** reg_not_null */
export function regNotNull(reg: RegState): boolean {
  if (typeMayBeNull(reg.type)) return false;
  if (range.sminF(reg.val) <= -BPF_MAX_VAR_OFF || range.smaxF(reg.val) >= BPF_MAX_VAR_OFF) return false;
  const base = baseType(reg.type);
  if (base === PTR_TO_MEM) return (reg.type & PTR_UNTRUSTED) === 0;
  return NOT_NULL.has(base) || (base === PTR_TO_BTF_ID && isTrustedReg(reg));
}

/** is_pkt_ptr_branch_taken: after a comparison with the end, a second one may be decided. */
function pktBranchTaken(dst: RegState, src: RegState, op: number): number {
  let pkt = dst;
  let code = op;
  if (src.type !== PTR_TO_PACKET_END) {
    if (dst.type !== PTR_TO_PACKET_END) return -1;
    pkt = src;
    code = FLIPPED[op] ?? op;
  }
  if (pkt.pktRange >= 0) return -1;
  if ((code === JLE || code === JGT) && pkt.pktRange === BEYOND_PKT_END) return code === JGT ? 1 : 0;
  if ((code === JLT || code === JGE) && (pkt.pktRange === BEYOND_PKT_END || pkt.pktRange === AT_PKT_END)) {
    return code === JGE ? 1 : 0;
  }
  return -1;
}

function isRegConst(reg: RegState, is32: boolean): boolean {
  return reg.type === SCALAR_VALUE && (is32 ? range.isConst32(reg.val) : range.isConst(reg.val)) !== 0;
}

/** is_branch_taken: 1 always, 0 never, -1 either. */
function branchTaken(a: RegState, b: RegState, op: number, is32: boolean): number {
  if (a.type === SCALAR_VALUE && b.type === SCALAR_VALUE) return range.branchTaken(op, is32 ? 1 : 0, a.val, b.val);
  if (!is32 && regIsPktPointerAny(a) && regIsPktPointerAny(b)) return pktBranchTaken(a, b, op);
  let pointer = a;
  let other = b;
  let code = op;
  if (!isRegConst(other, is32)) {
    pointer = b;
    other = a;
    code = FLIPPED[op] ?? op;
  }
  if (!isRegConst(other, is32) || !regNotNull(pointer)) return -1;
  // A pointer that is never NULL differs from zero.
  if (range.valueLo(other.val) !== 0 || (!is32 && range.valueHi(other.val) !== 0)) return -1;
  return code === JEQ ? 0 : code === JNE ? 1 : -1;
}

const LINKED_REGS_MAX = 6;

/** collect_linked_regs: live registers and slots whose value is `id`'s, with or without a distance. */
function collectLinkedRegs(env: Env, state: VerifierState, id: number, linked: LinkedReg[]): void {
  const base = id & ~BPF_ADD_CONST;
  const add = (reg: RegState, frameno: number, index: number, isReg: boolean) => {
    if (reg.type !== SCALAR_VALUE || (reg.id & ~BPF_ADD_CONST) !== base) return;
    if (linked.length < LINKED_REGS_MAX) linked.push({ frameno, index, isReg });
    else clearScalarId(reg);
  };
  for (let f = state.curframe; f >= 0; f--) {
    const frame = state.frame[f] as FuncState;
    const live = env.aux.liveRegsBefore[frameInsnIdx(state, f)] as number;
    for (let i = 0; i < 10; i++) if (live & (1 << i)) add(frame.regs[i] as RegState, f, i, true);
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.slot(i);
      if (isSpilledReg(slot)) add(slot.spilled, f, i, false);
    }
  }
}

/** sync_linked_regs: what is known of `known` now holds for the others. */
function syncLinkedRegs(state: VerifierState, known: RegState, linked: readonly LinkedReg[]): void {
  for (const { frameno, index, isReg } of linked) {
    const frame = state.frame[frameno] as FuncState;
    const reg = isReg ? frame.reg(index) : frame.slot(index).spilled;
    if (reg.type !== SCALAR_VALUE || reg === known) continue;
    if ((reg.id & ~BPF_ADD_CONST) !== (known.id & ~BPF_ADD_CONST)) continue;
    // A distance in 32 bits says nothing of one in 64.
    if (((reg.id ^ known.id) & BPF_ADD_CONST) === BPF_ADD_CONST) continue;
    const { subregDef, off, id } = reg;
    reg.assign(known);
    if (((id | known.id) & BPF_ADD_CONST) !== 0 && off !== known.off) {
      reg.off = off;
      reg.id = id;
      reg.val = range.linkAdd(known.val, knownOf(off - known.off), (id | known.id) & BPF_ADD_CONST32 ? 1 : 0);
    }
    reg.subregDef = subregDef;
  }
}

function checkMayGoto(env: Env, insn: Insn): void {
  if (insn.code !== 0xe5 || insn.src !== 0 || insn.dst || insn.imm) {
    env.reject(errno.EINVAL, msg.invalidMayGoto(insn.imm));
  }
  const cur = env.curState;
  const prev = cur.parent ? findPrevEntry(env, cur.parent, env.insnIdx) : null;
  const queued = pushStack(env, env.insnIdx + 1, env.insnIdx, false, errno.ENOMEM);
  queued.mayGotoDepth++;
  if (prev) widenImpreciseScalars(env, prev, queued);
  env.insnIdx += insn.off;
}

const fakeSrc = new RegState();

/** check_cond_jmp_op. Leaves env.insnIdx one before the next instruction. */
export function checkCondJmpOp(env: Env, insn: Insn): void {
  const op = insn.code & 0xf0;
  if (op === JCOND) {
    checkMayGoto(env, insn);
    return;
  }
  const state = env.curState;
  const regs = env.curRegs();
  const byReg = (insn.code & 8) !== 0;
  const is32 = (insn.code & 7) === 6;
  // 6.18 reads the second operand's checks first only in its reserved fields.
  checkRegArg(env, insn.dst, SRC_OP);
  const dst = regs[insn.dst] as RegState;
  let src: RegState;
  let flags = 0;
  if (byReg) {
    if (insn.imm !== 0) env.reject(errno.EINVAL, msg.reservedFields('BPF_JMP/JMP32'));
    checkRegArg(env, insn.src, SRC_OP);
    src = regs[insn.src] as RegState;
    if (!(regIsPktPointerAny(dst) && regIsPktPointerAny(src)) && isPointerValue(env.allowPtrLeaks, src)) {
      env.reject(errno.EACCES, msg.pointerComparison(insn.src));
    }
    if (src.type === PTR_TO_STACK) flags |= INSN_F_SRC_REG_STACK;
  } else {
    if (insn.src !== 0) env.reject(errno.EINVAL, msg.reservedFields('BPF_JMP/JMP32'));
    src = fakeSrc.markKnown(range.knownS32(insn.imm));
  }
  if (dst.type === PTR_TO_STACK) flags |= INSN_F_DST_REG_STACK;
  if (flags) pushJmpHistory(env, state, flags, null);

  const taken = branchTaken(dst, src, op, is32);
  if (taken >= 0) {
    if (dst.type === SCALAR_VALUE) markChainPrecision(env, insn.dst);
    if (byReg && src.type === SCALAR_VALUE) markChainPrecision(env, insn.src);
    if (!env.bypassSpecV1) speculate(env, insn, taken === 1 ? env.insnIdx + 1 : env.insnIdx + insn.off + 1);
    if (env.log.level & BPF_LOG_LEVEL) printInsnState(env, state, state.curframe);
    if (taken === 1) env.insnIdx += insn.off;
    return;
  }
  bothWays(env, insn, op, is32, dst, src);
}

/** sanitize_speculative_path: a CPU may go the way that is never taken, with operands of any value. */
function speculate(env: Env, insn: Insn, next: number): void {
  const regs = pushStack(env, next, env.insnIdx, true).func().regs;
  (regs[insn.dst] as RegState).markUnknown();
  if (insn.code & 8) (regs[insn.src] as RegState).markUnknown();
}

function bothWays(env: Env, insn: Insn, op: number, is32: boolean, dst: RegState, src: RegState): void {
  const state = env.curState;
  const byReg = (insn.code & 8) !== 0;
  const linked: LinkedReg[] = [];
  if (byReg && src.type === SCALAR_VALUE && src.id) collectLinkedRegs(env, state, src.id, linked);
  if (dst.type === SCALAR_VALUE && dst.id) collectLinkedRegs(env, state, dst.id, linked);
  if (linked.length > 1) pushJmpHistory(env, state, 0, linked);

  const other = pushStack(env, env.insnIdx + insn.off + 1, env.insnIdx, false);
  const otherRegs = other.func().regs;
  const otherDst = otherRegs[insn.dst] as RegState;
  const otherSrc = byReg ? (otherRegs[insn.src] as RegState) : null;
  setMinMax(env, op, is32, dst, src, otherDst, otherSrc);

  if (byReg && src.type === SCALAR_VALUE && src.id && otherSrc && src.id === otherSrc.id) {
    syncLinkedRegs(state, src, linked);
    syncLinkedRegs(other, otherSrc, linked);
  }
  if (dst.type === SCALAR_VALUE && dst.id && dst.id === otherDst.id) {
    syncLinkedRegs(state, dst, linked);
    syncLinkedRegs(other, otherDst, linked);
  }
  if (!is32 && otherSrc) equalPointers(env, insn, op, dst, src, otherRegs);
  nullChecks(env, insn, op, is32, dst, other);
  if (env.log.level & BPF_LOG_LEVEL) printInsnState(env, state, state.curframe);
}

/** reg_set_min_max: the fall-through is where the comparison does not hold. */
function setMinMax(
  env: Env,
  op: number,
  is32: boolean,
  dst: RegState,
  src: RegState,
  otherDst: RegState,
  otherSrc: RegState | null,
): void {
  if (dst.type !== SCALAR_VALUE || src.type !== SCALAR_VALUE) return;
  const narrow = is32 ? 1 : 0;
  const a = dst.val;
  const b = src.val;
  if (src === dst) {
    dst.val = range.refineSelf(REVERSED[op] ?? op, narrow, a);
    otherDst.val = range.refineSelf(op, narrow, a);
    boundsSanityCheck(env, otherDst, 'true_reg1');
    boundsSanityCheck(env, dst, 'false_reg1');
    return;
  }
  range.refine(REVERSED[op] ?? op, narrow, a, b);
  src.val = range.refinedB();
  dst.val = range.refinedA();
  range.refine(op, narrow, a, b);
  if (otherSrc) otherSrc.val = range.refinedB();
  otherDst.val = range.refinedA();
  boundsSanityCheck(env, otherDst, 'true_reg1');
  if (otherSrc) boundsSanityCheck(env, otherSrc, 'true_reg2');
  boundsSanityCheck(env, dst, 'false_reg1');
  boundsSanityCheck(env, src, 'false_reg2');
}

/** Two equal pointers, one of which is never NULL. */
function equalPointers(
  env: Env,
  insn: Insn,
  op: number,
  dst: RegState,
  src: RegState,
  otherRegs: readonly RegState[],
): void {
  if (src.type === SCALAR_VALUE || dst.type === SCALAR_VALUE) return;
  if (baseType(src.type) === PTR_TO_BTF_ID || baseType(dst.type) === PTR_TO_BTF_ID) return;
  const regs = op === JEQ ? otherRegs : op === JNE ? env.curRegs() : null;
  if (!regs) return;
  const dstNotNull = regNotNull(dst);
  if (dstNotNull && typeMayBeNull(src.type)) markPtrNotNullReg(regs[insn.src] as RegState);
  if (regNotNull(src) && typeMayBeNull(dst.type)) markPtrNotNullReg(regs[insn.dst] as RegState);
}

function nullChecks(env: Env, insn: Insn, op: number, is32: boolean, dst: RegState, other: VerifierState): void {
  const state = env.curState;
  const byReg = (insn.code & 8) !== 0;
  if (!is32 && !byReg && insn.imm === 0 && (op === JEQ || op === JNE) && typeMayBeNull(dst.type)) {
    markPtrOrNullRegs(env, state, insn.dst, op === JNE);
    markPtrOrNullRegs(env, other, insn.dst, op === JEQ);
    return;
  }
  const src = env.curRegs()[insn.src] as RegState;
  if (tryMatchPktPointers(env, insn, dst, src, state, other)) return;
  if (isPointerValue(env.allowPtrLeaks, dst)) env.reject(errno.EACCES, msg.pointerComparison(insn.dst));
}
