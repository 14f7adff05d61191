/** What a comparison of packet pointers says of their range (try_match_pkt_pointers, find_good_pkt_pointers). */
import {
  baseType,
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_SKB_META,
  DYNPTR_TYPE_XDP,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
} from '../kernel/bpf/bpf.ts';
import { BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JMP32, BPF_X, classOf, opOf, sourceOf } from '../uapi/insn.ts';
import type { Env, Insn } from './env.ts';
import { RANGE_ZERO, range } from './range.ts';
import { markRegInvalid } from './refs.ts';
import { AT_PKT_END, BEYOND_PKT_END, type RegState } from './reg_state.ts';
import { regIsPktPointerAny } from './regs.ts';
import { forEachReg, type VerifierState } from './verifier_state.ts';

const MAX_PACKET_OFF = 0xffff;

/**
 * For `left OP right`, where left is the pointer that moved and right the end: in which branch the bytes up to left are good
 * (taken: where the jump goes), whether left itself is one of them, and whether the other branch has left past the end or at it.
 */
interface Rule {
  readonly goodWhenTaken: boolean;
  /** The good branch has left < right: one byte more (range_right_open). */
  readonly rightOpen: boolean;
  /** In the other branch left > right (not merely at it). */
  readonly endOpen: boolean;
}

/** By jump, with the moved pointer as the first operand ... */
const POINTER_FIRST: Readonly<Record<number, Rule>> = {
  [BPF_JGT]: { goodWhenTaken: false, rightOpen: false, endOpen: true },
  [BPF_JLT]: { goodWhenTaken: true, rightOpen: true, endOpen: false },
  [BPF_JGE]: { goodWhenTaken: false, rightOpen: true, endOpen: false },
  [BPF_JLE]: { goodWhenTaken: true, rightOpen: false, endOpen: true },
};
/** ... and as the second. */
const END_FIRST: Readonly<Record<number, Rule>> = {
  [BPF_JGT]: { goodWhenTaken: true, rightOpen: true, endOpen: false },
  [BPF_JLT]: { goodWhenTaken: false, rightOpen: false, endOpen: true },
  [BPF_JGE]: { goodWhenTaken: true, rightOpen: false, endOpen: true },
  [BPF_JLE]: { goodWhenTaken: false, rightOpen: true, endOpen: false },
};

/** Marks ranges in both branches; false when the comparison is none of packet pointers. */
export function tryMatchPktPointers(
  _env: Env,
  insn: Insn,
  dst: RegState,
  src: RegState,
  thisBranch: VerifierState,
  otherBranch: VerifierState,
): boolean {
  if (sourceOf(insn.code) !== BPF_X || classOf(insn.code) === BPF_JMP32) return false;
  const op = opOf(insn.code);
  let rule: Rule | undefined;
  let pointer: RegState;
  let regno: number;
  if (movesTowards(dst, src)) {
    rule = POINTER_FIRST[op];
    pointer = dst;
    regno = insn.dst;
  } else if (movesTowards(src, dst)) {
    rule = END_FIRST[op];
    pointer = src;
    regno = insn.src;
  } else {
    return false;
  }
  if (!rule) return false;
  findGoodPktPointers(rule.goodWhenTaken ? otherBranch : thisBranch, pointer, pointer.type, rule.rightOpen);
  markPktEnd(rule.goodWhenTaken ? thisBranch : otherBranch, regno, rule.endOpen);
  return true;
}

/** A packet pointer against the end, or a metadata pointer against the packet's start. */
function movesTowards(pointer: RegState, end: RegState): boolean {
  if (pointer.type === PTR_TO_PACKET) return end.type === PTR_TO_PACKET_END;
  if (pointer.type !== PTR_TO_PACKET_META) return false;
  // reg_is_init_pkt_pointer
  return end.type === PTR_TO_PACKET && end.id === 0 && end.off === 0 && end.val === RANGE_ZERO;
}

/** Every pointer with the same id may be used up to `reg`. */
function findGoodPktPointers(state: VerifierState, reg: RegState, type: number, rightOpen: boolean): void {
  if (reg.off < 0 || (reg.off === 0 && rightOpen)) return;
  const umax = range.umaxF(reg.val);
  if (umax > MAX_PACKET_OFF || umax + reg.off > MAX_PACKET_OFF) return;
  const good = rightOpen ? reg.off + 1 : reg.off;
  const { id } = reg;
  forEachReg(state, (other) => {
    if (other.type === type && other.id === id) other.pktRange = Math.max(other.pktRange, good);
  });
}

/** The pointer is known to lie at or past the end. */
function markPktEnd(state: VerifierState, regno: number, open: boolean): void {
  const reg = state.func().reg(regno);
  if (reg.type === PTR_TO_PACKET) reg.pktRange = open ? BEYOND_PKT_END : AT_PKT_END;
}

/** clear_all_pkt_pointers: after the packet may have moved, none of them is a pointer any more; nor are slices of it. */
export function clearAllPktPointers(env: Env): void {
  forEachReg(env.curState, (reg) => {
    const slice = baseType(reg.type) === PTR_TO_MEM && (reg.type & PACKET_DYNPTRS) !== 0;
    if (slice || regIsPktPointerAny(reg)) markRegInvalid(env, reg);
  });
}
const PACKET_DYNPTRS = DYNPTR_TYPE_SKB | DYNPTR_TYPE_XDP | DYNPTR_TYPE_SKB_META;
