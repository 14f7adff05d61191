/**
 * Precision (mark_chain_precision): when the value of a scalar decided something, the registers and slots it came from are
 * marked precise in all earlier states of the path, instruction by instruction backwards.
 */
import { SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { Backtrack } from './backtrack_state.ts';
import { isPseudoCall, isSyncCallbackCallingInsn } from './call_info.ts';
import type { Env } from './env.ts';
import { type FuncState, STACK_SPILL, type StackSlot } from './func_state.ts';
import { CALLS_CALLBACK } from './insn_aux.ts';
import { MAX_CALL_FRAMES } from './limits.ts';
import { fmtStackMask } from './liveness.ts';
import { insnStr, printVerifierState } from './log.ts';
import { BPF_LOG_LEVEL2 } from './log_buffer.ts';
import {
  INSN_F_DST_REG_STACK,
  INSN_F_FRAMENO_MASK,
  INSN_F_SPI_MASK,
  INSN_F_SPI_SHIFT,
  INSN_F_SRC_REG_STACK,
  INSN_F_STACK_ACCESS,
  JmpHistoryEntry,
  type LinkedReg,
  type VerifierState,
} from './verifier_state.ts';

const FP = 10;
const ARGS = 0x3e;
const TAIL_CALL = 12;

/** push_jmp_history: remembers the current instruction, or adds to what is remembered of it. */
export function pushJmpHistory(
  env: Env,
  state: VerifierState,
  flags: number,
  linked: readonly LinkedReg[] | null,
): void {
  if (env.curHist) {
    env.curHist.flags |= flags;
    env.curHist.linkedRegs = linked;
    return;
  }
  if (state.jmpHistory.length >= MAX_JMP_HISTORY) env.reject(errno.ENOMEM);
  const entry = new JmpHistoryEntry(env.insnIdx, env.prevInsnIdx, flags, linked);
  state.jmpHistory.push(entry);
  env.curHist = entry;
}

/** Entries of 16 bytes that fit into the 4 MiB that kmalloc() gives at most. */
const MAX_JMP_HISTORY = (4 << 20) / 16;

/** Flags of an access to slot `spi` of frame `frameno`. */
export function insnStackAccessFlags(frameno: number, spi: number): number {
  return INSN_F_STACK_ACCESS | (spi << INSN_F_SPI_SHIFT) | frameno;
}

/** Does the slot hold a spilled register? */
export function isSpilledReg(slot: StackSlot): boolean {
  return slot.slotType(7) === STACK_SPILL;
}

/** One is enough: backtracking does not nest. */
const bt = new Backtrack();

function fmtRegMask(mask: number): string {
  const regs: string[] = [];
  for (let i = 0; i < 32; i++) if (mask & (1 << i)) regs.push(`r${i}`);
  return regs.join(',');
}

/** When one of the registers that were equal at this jump is wanted, all are. */
function syncLinkedRegs(hist: JmpHistoryEntry | null): void {
  if (!hist?.linkedRegs) return;
  const wanted = hist.linkedRegs.some((e) =>
    e.isReg ? bt.hasFrameReg(e.frameno, e.index) : bt.hasFrameSlot(e.frameno, e.index),
  );
  if (!wanted) return;
  for (const e of hist.linkedRegs) {
    if (e.isReg) bt.setFrameReg(e.frameno, e.index);
    else bt.setFrameSlot(e.frameno, e.index);
  }
}

/** Our bug, or the kernel's: the walk backwards met a state it cannot be in. The kernel says -EFAULT. */
function bug(env: Env, what: string): never {
  env.reject(errno.EFAULT, `verifier bug: ${what}`);
}

const CONTINUE = 0;
const GIVE_UP = 1;

/** backtrack_insn: undoes instruction `idx`, which was followed by `subseq`. GIVE_UP: everything has to be precise. */
function backtrackInsn(env: Env, idx: number, subseq: number, hist: JmpHistoryEntry | null): number {
  const insn = env.insn(idx);
  if (insn.code === 0) return CONTINUE;
  if (env.log.level & BPF_LOG_LEVEL2) {
    const slots = fmtStackMask(bt.slotsLo[bt.frame] as number, bt.slotsHi[bt.frame] as number);
    env.verbose(
      `mark_precise: frame${bt.frame}: regs=${fmtRegMask(bt.mask())} stack=${slots} before ${idx}: ${insnStr(env, idx)}\n`,
    );
  }
  syncLinkedRegs(hist);
  const cls = insn.code & 7;
  const op = insn.code & 0xf0;
  const { dst, src } = insn;
  const byReg = (insn.code & 8) !== 0;
  const access = hist !== null && (hist.flags & INSN_F_STACK_ACCESS) !== 0;
  const spi = hist ? (hist.flags >> INSN_F_SPI_SHIFT) & INSN_F_SPI_MASK : 0;
  const frame = hist ? hist.flags & INSN_F_FRAMENO_MASK : 0;
  const atomic = cls === 3 && (insn.code & 0xe0) === 0xc0;
  const loadAcquire = atomic && insn.imm === 0x100;

  if (cls === 4 || cls === 7) {
    if (!bt.has(dst)) return CONTINUE;
    // One operand that is also the result: still wanted.
    if (op === 0xd0 || op === 0x80) return CONTINUE;
    if (op === 0xb0) {
      bt.clear(dst);
      if (byReg && src !== FP) bt.set(src);
    } else if (byReg && src !== FP) {
      bt.set(src);
    }
  } else if (cls === 1 || loadAcquire) {
    if (!bt.has(dst)) return CONTINUE;
    bt.clear(dst);
    // What was loaded from elsewhere than the stack needs no more.
    if (!access) return CONTINUE;
    bt.setFrameSlot(frame, spi);
  } else if (cls === 3 || cls === 2) {
    // An atomic that fetches counts as a store: the register it loads stays wanted (Linux 6.18.44).
    // A scalar that is used as a pointer: cannot be followed.
    if (bt.has(dst)) return GIVE_UP;
    if (!access || !bt.hasFrameSlot(frame, spi)) return CONTINUE;
    bt.clearFrameSlot(frame, spi);
    if (cls === 3) bt.set(src);
  } else if (cls === 5 || cls === 6) {
    return backtrackJump(env, idx, subseq, hist);
  } else if (cls === 0) {
    const mode = insn.code & 0xe0;
    if (mode !== 0x40 && mode !== 0x20) bt.clear(dst);
    else if (bt.has(dst)) return GIVE_UP;
    else if (subseq !== idx + 1) enterSubprog(env);
    return CONTINUE;
  }
  syncLinkedRegs(hist);
  return CONTINUE;
}

/** bt_subprog_enter: backwards into a function that returned to where the walk is. */
function enterSubprog(env: Env): void {
  if (bt.frame === MAX_CALL_FRAMES - 1) bug(env, 'subprog enter from the last frame');
  bt.frame++;
}

function backtrackJump(env: Env, idx: number, subseq: number, hist: JmpHistoryEntry | null): number {
  const insn = env.insn(idx);
  const op = insn.code & 0xf0;
  if (isPseudoCall(insn)) {
    const subprog = env.findSubprog(idx + insn.imm + 1);
    if (env.subprog(subprog).isGlobal) {
      // R1 to R5 of a global function's caller are gone after the call; R0 is unknown.
      if (bt.mask() & ARGS) bug(env, `global function call with regs ${bt.mask().toString(16)}`);
      bt.clear(0);
      return CONTINUE;
    }
    // The start of a static function: its arguments are the caller's.
    if (bt.mask() & ~ARGS) bug(env, `static subprog unexpected regs ${bt.mask().toString(16)}`);
    if (bt.hasSlots()) bug(env, 'static subprog leftover stack slots');
    for (let i = 1; i <= 5; i++) {
      if (!bt.has(i)) continue;
      bt.clear(i);
      bt.setFrameReg(bt.frame - 1, i);
    }
    if (bt.frame === 0) bug(env, 'subprog exit from frame 0');
    bt.frame--;
    return CONTINUE;
  }
  if (isSyncCallbackCallingInsn(env, insn) && idx !== subseq - 1) {
    // From the first instruction of a callback to the call that runs it: arguments came from the helper.
    if (bt.mask() & ~ARGS) bug(env, `callback unexpected regs ${bt.mask().toString(16)}`);
    if (bt.hasSlots()) bug(env, 'callback leftover stack slots');
    for (let i = 1; i <= 5; i++) bt.clear(i);
    if (bt.frame === 0) bug(env, 'subprog exit from frame 0');
    bt.frame--;
    return CONTINUE;
  }
  if (op === 0x80) {
    // A kfunc with imm 0 is a weak one that does not exist.
    if (insn.src === 2 && insn.imm === 0) return GIVE_UP;
    bt.clear(0);
    if (bt.mask() & ARGS) bug(env, `backtracking call unexpected regs ${bt.mask().toString(16)}`);
    if (insn.src === 0 && insn.imm === TAIL_CALL && subseq !== idx + 1) enterSubprog(env);
    syncLinkedRegs(hist);
    return CONTINUE;
  }
  if (op === 0x90) {
    // Into a function that returned here. R1 to R5 of a callback's caller are set by the helper.
    if (subseq >= 0 && env.aux.has(subseq, CALLS_CALLBACK)) for (let i = 1; i <= 5; i++) bt.clear(i);
    if (bt.mask() & ARGS) bug(env, `backtracking exit unexpected regs ${bt.mask().toString(16)}`);
    const precise = subseq - 1 >= 0 && isPseudoCall(env.insn(subseq - 1)) && bt.has(0);
    bt.clear(0);
    enterSubprog(env);
    if (precise) bt.set(0);
    return CONTINUE;
  }
  if (insn.code & 8) {
    if (!bt.has(insn.dst) && !bt.has(insn.src)) return CONTINUE;
    // dst op src: both decide. A stack pointer has no precision.
    if (!hist || !(hist.flags & INSN_F_SRC_REG_STACK)) bt.set(insn.src);
    if (!hist || !(hist.flags & INSN_F_DST_REG_STACK)) bt.set(insn.dst);
  }
  syncLinkedRegs(hist);
  return CONTINUE;
}

/** mark_all_scalars_precise: in every state before `state`. */
export function markAllScalarsPrecise(env: Env, state: VerifierState): void {
  const log = (env.log.level & BPF_LOG_LEVEL2) !== 0;
  if (log) env.verbose(`mark_precise: frame${state.curframe}: falling back to forcing all scalars precise\n`);
  for (let st = state.parent; st; st = st.parent) {
    for (let f = 0; f <= st.curframe; f++) {
      const frame = st.frame[f] as FuncState;
      for (let i = 0; i < FP; i++) {
        const reg = frame.reg(i);
        if (reg.type !== SCALAR_VALUE || reg.precise) continue;
        st.setPreciseReg(f, i);
        if (log) env.verbose(`force_precise: frame${f}: forcing r${i} to be precise\n`);
      }
      for (let i = 0; i < frame.stack.length; i++) {
        const slot = frame.slot(i);
        if (!isSpilledReg(slot) || slot.spilled.type !== SCALAR_VALUE || slot.spilled.precise) continue;
        st.setPreciseSlot(f, i);
        if (log) env.verbose(`force_precise: frame${f}: forcing fp${-(i + 1) * 8} to be precise\n`);
      }
    }
  }
}

/** mark_all_scalars_imprecise: a new state starts without the precision it inherited. */
export function markAllScalarsImprecise(state: VerifierState): void {
  for (let f = 0; f <= state.curframe; f++) {
    const frame = state.frame[f] as FuncState;
    for (let i = 0; i < FP; i++) if (frame.reg(i).type === SCALAR_VALUE) frame.reg(i).precise = false;
    for (const slot of frame.stack) {
      if (isSpilledReg(slot) && slot.spilled.type === SCALAR_VALUE) slot.spilled.precise = false;
    }
  }
}

/** Marks what `bt` asks for in `state`; what is precise already, or no scalar, is not asked for any more. */
function markPreciseIn(env: Env, state: VerifierState): boolean {
  let changed = false;
  for (let f = bt.frame; f >= 0; f--) {
    const frame = state.frame[f] as FuncState;
    const regs = bt.regs[f] as number;
    for (let i = 0; regs >>> i; i++) {
      if (!(regs & (1 << i))) continue;
      const reg = frame.reg(i);
      if (reg.type !== SCALAR_VALUE || reg.precise) {
        bt.clearFrameReg(f, i);
      } else {
        state.setPreciseReg(f, i);
        changed = true;
      }
    }
    if (bt.slotsLo[f] || bt.slotsHi[f]) {
      for (let i = 0; i < 64; i++) {
        if (!bt.hasFrameSlot(f, i)) continue;
        const slot = frame.stack[i];
        if (!slot) bug(env, `stack slot ${i}, total slots ${frame.stack.length}`);
        if (!isSpilledReg(slot) || slot.spilled.type !== SCALAR_VALUE || slot.spilled.precise) {
          bt.clearFrameSlot(f, i);
        } else {
          state.setPreciseSlot(f, i);
          changed = true;
        }
      }
    }
    if (env.log.level & BPF_LOG_LEVEL2) {
      const slots = fmtStackMask(bt.slotsLo[f] as number, bt.slotsHi[f] as number);
      env.verbose(`mark_precise: frame${f}: parent state regs=${fmtRegMask(bt.regs[f] as number)} stack=${slots}: `);
      printVerifierState(env, state, f, true);
    }
  }
  return changed;
}

/**
 * __mark_chain_precision from the current instruction of `starting` backwards; bt says what is wanted besides `regno`
 * (-1: nothing). Returns whether any state changed.
 */
function chainPrecision(env: Env, starting: VerifierState, regno: number): boolean {
  let st = starting;
  let first = st.firstInsnIdx;
  let last = starting.insnIdx;
  let subseq = -1;
  let skipFirst = true;
  let changed = false;
  bt.init(st.curframe);
  if (regno >= 0) {
    if (st.func().reg(regno).type !== SCALAR_VALUE) bug(env, 'backtracking misuse');
    bt.set(regno);
  }
  if (bt.empty()) return changed;
  for (;;) {
    let histEnd = st.jmpHistory.length;
    if (env.log.level & BPF_LOG_LEVEL2) {
      env.verbose(`mark_precise: frame${bt.frame}: last_idx ${last} first_idx ${first} subseq_idx ${subseq} \n`);
    }
    if (last < 0) {
      // The start of a global function: its arguments are whatever the caller gives.
      const frame = st.frame[0] as FuncState;
      if (st.curframe === 0 && frame.subprogno > 0 && frame.callsite === -1 && !bt.hasSlots() && !(bt.mask() & ~ARGS)) {
        for (let i = 1; i <= 5; i++) {
          if (!bt.has(i)) continue;
          bt.clear(i);
          if (frame.reg(i).type !== SCALAR_VALUE) continue;
          if (st === starting) frame.reg(i).precise = true;
          else st.setPreciseReg(0, i);
          changed = true;
        }
        return changed;
      }
      bug(env, `backtracking func entry subprog ${frame.subprogno} reg_mask ${bt.mask().toString(16)}`);
    }
    for (let i = last; ; ) {
      if (skipFirst) {
        skipFirst = false;
      } else {
        const top = histEnd > 0 ? (st.jmpHistory[histEnd - 1] as JmpHistoryEntry) : null;
        const hist = top && top.idx === i ? top : null;
        if (backtrackInsn(env, i, subseq, hist) === GIVE_UP) {
          markAllScalarsPrecise(env, starting);
          bt.reset();
          return true;
        }
      }
      if (bt.empty()) return changed;
      subseq = i;
      // get_prev_insn_idx
      if (i === st.firstInsnIdx) {
        if (histEnd === 0) break;
        if (histEnd === 1 && (st.jmpHistory[0] as JmpHistoryEntry).idx === i) break;
      }
      const entry = histEnd > 0 ? (st.jmpHistory[histEnd - 1] as JmpHistoryEntry) : null;
      if (entry && entry.idx === i) {
        histEnd--;
        i = entry.prevIdx;
      } else {
        i--;
      }
      if (i < 0 || i >= env.insns.length) bug(env, `backtracking idx ${i}`);
    }
    const parent = st.parent;
    if (!parent) break;
    st = parent;
    if (markPreciseIn(env, st)) changed = true;
    if (bt.empty()) return changed;
    subseq = first;
    last = st.lastInsnIdx;
    first = st.firstInsnIdx;
  }
  // The start of the program is reached with something still wanted: make sure of all.
  if (!bt.empty()) {
    markAllScalarsPrecise(env, starting);
    bt.reset();
    changed = true;
  }
  return changed;
}

/** mark_chain_precision: register `regno` of the current frame has to be precise. */
export function markChainPrecision(env: Env, regno: number): void {
  if (!env.bpfCapable) return;
  env.curState.insnIdx = env.insnIdx;
  chainPrecision(env, env.curState, regno);
}

/** mark_chain_precision_batch: what `setPrecise*` asked for. */
export function markChainPrecisionBatch(env: Env, starting: VerifierState): boolean {
  return chainPrecision(env, starting, -1);
}

/** Asks for register `reg` of frame `frame` in the next batch. */
export function btSetFrameReg(frame: number, reg: number): void {
  bt.setFrameReg(frame, reg);
}

/** Asks for slot `spi` of frame `frame` in the next batch. */
export function btSetFrameSlot(frame: number, spi: number): void {
  bt.setFrameSlot(frame, spi);
}

/** At the start of a verification: a rejected one may have left something. */
export function resetBacktrack(): void {
  bt.reset();
}
