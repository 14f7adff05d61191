/** The main loop (do_check): walks every path of the program, one instruction after the other. */

import { InvariantError, NotSupported } from '../errors.ts';
import {
  ARG_ANYTHING,
  ARG_PTR_TO_ARENA,
  ARG_PTR_TO_BTF_ID,
  ARG_PTR_TO_CTX,
  ARG_PTR_TO_DYNPTR,
  ARG_PTR_TO_MEM,
  baseType,
  CONST_PTR_TO_DYNPTR,
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { acquireCtxReferences } from './attach_target.ts';
import { pushJmpHistory } from './backtrack.ts';
import { isBpfThrowKfunc } from './call_info.ts';
import { checkAluOp } from './check_alu.ts';
import { checkReturnCode } from './check_attach.ts';
import { checkHelperCall } from './check_helper_call.ts';
import { checkCondJmpOp } from './check_jmp.ts';
import { checkKfuncCall, kfuncSpinAllowed } from './check_kfunc.ts';
import { checkLdAbs, checkLdImm } from './check_ld.ts';
import { BPF_WRITE, checkAtomic, checkLoadMem, checkMemAccess, checkStoreReg, saveAuxPtrType } from './check_mem.ts';
import { collectRanges } from './collect.ts';
import { type Env, type Insn, Reject, type SubprogArg } from './env.ts';
import { BPF_MAIN_FUNC, checkFuncCall, initFuncState, prepareFuncExit } from './frames.ts';
import { btfPrepareFuncArgs } from './func_args.ts';
import { JMP_POINT, NOSPEC, NOSPEC_RESULT, PRUNE_POINT, SEEN } from './insn_aux.ts';
import { insnStr, markVerifierStateScratched, printInsnState, printVerifierState, verboseLinfo } from './log.ts';
import { BPF_LOG_LEVEL, BPF_LOG_LEVEL2 } from './log_buffer.ts';
import { msg } from './messages.ts';
import { isStateVisited, updateBranchCounts } from './prune.ts';
import { checkExitLeaks } from './refs.ts';
import { BPF_DYNPTR_TYPE_LOCAL, type RegState } from './reg_state.ts';
import { checkRegArg, markRegUnknown, SRC_OP } from './regs.ts';
import { VerifierState } from './verifier_state.ts';

const SPIN_UNLOCK = 94;
const KPTR_XCHG = 194;

/** What an instruction does to the walk. */
const NEXT = 0;
/** env.insnIdx is where to go on already. */
const GO = 1;
/** The path ends. */
const END = 2;
/** Back in the caller: its state is printed. */
const RETURNED = 3;

type Handler = (env: Env, insn: Insn) => number;

function checkSt(env: Env, insn: Insn): number {
  if ((insn.code & 0xe0) !== 0x60 || insn.src !== 0) env.reject(errno.EINVAL, msg.reservedFields('BPF_ST'));
  checkRegArg(env, insn.dst, SRC_OP);
  const dstType = (env.curRegs()[insn.dst] as RegState).type;
  checkMemAccess(env, env.insnIdx, insn.dst, insn.off, insn.code & 0x18, BPF_WRITE, -1, false, false);
  saveAuxPtrType(env, dstType, false);
  return NEXT;
}

function checkStx(env: Env, insn: Insn): number {
  const mode = insn.code & 0xe0;
  if (mode === 0xc0) {
    checkAtomic(env, insn);
    return NEXT;
  }
  if (mode !== 0x60 || insn.imm !== 0) env.reject(errno.EINVAL, msg.reservedFields('BPF_STX'));
  checkStoreReg(env, insn);
  return NEXT;
}

function checkLd(env: Env, insn: Insn): number {
  const mode = insn.code & 0xe0;
  if (mode === 0x20 || mode === 0x40) {
    checkLdAbs(env, insn);
    return NEXT;
  }
  checkLdImm(env, insn);
  env.insnIdx++;
  if (!env.curState.speculative) env.aux.add(env.insnIdx, SEEN);
  return NEXT;
}

function checkCall(env: Env, insn: Insn): number {
  const reserved = insn.code !== 0x85 || insn.src > 2 || insn.dst !== 0 || (insn.src !== 2 && insn.off !== 0);
  if (reserved) env.reject(errno.EINVAL, msg.reservedFields('BPF_CALL'));
  if (env.curState.activeLocks) {
    const wrong =
      (insn.src === 0 && insn.imm !== SPIN_UNLOCK && !(insn.imm === KPTR_XCHG && env.has('kptr_xchg_under_lock'))) ||
      (insn.src === 1 && !env.has('locks_across_subprogs')) ||
      (insn.src === 2 && (insn.off !== 0 || !kfuncSpinAllowed(env, insn)));
    if (wrong) env.reject(errno.EINVAL, msg.callWithLock());
  }
  if (insn.src === 1) {
    checkFuncCall(env, insn);
  } else if (insn.src === 2) {
    checkKfuncCall(env, insn);
    if (isBpfThrowKfunc(env, insn)) return processBpfExit(env, true);
  } else {
    checkHelperCall(env, insn);
  }
  env.markRegScratched(0);
  return NEXT;
}

function processBpfExit(env: Env, exception: boolean): number {
  const state = env.curState;
  checkExitLeaks(env, exception);
  if (exception) return END;
  if (state.curframe) {
    prepareFuncExit(env);
    return RETURNED;
  }
  checkReturnCode(env, 0, 'R0');
  return END;
}

function checkJmp(env: Env, insn: Insn): number {
  env.jmpsProcessed++;
  const wide = (insn.code & 7) === 5;
  switch (insn.code & 0xf0) {
    case 0x80:
      return checkCall(env, insn);
    case 0x00: {
      const reserved = insn.code & 8 || insn.src !== 0 || insn.dst !== 0 || (wide ? insn.imm !== 0 : insn.off !== 0);
      if (reserved) env.reject(errno.EINVAL, msg.reservedFields('BPF_JA'));
      env.insnIdx += (wide ? insn.off : insn.imm) + 1;
      return GO;
    }
    case 0x90:
      if (insn.code !== 0x95 || insn.imm !== 0 || insn.src !== 0 || insn.dst !== 0) {
        env.reject(errno.EINVAL, msg.reservedFields('BPF_EXIT'));
      }
      return processBpfExit(env, false);
    default:
      checkCondJmpOp(env, insn);
      return NEXT;
  }
}

function checkAlu(env: Env, insn: Insn): number {
  checkAluOp(env, insn);
  return NEXT;
}

function checkLdx(env: Env, insn: Insn): number {
  checkLoadMem(env, insn);
  return NEXT;
}

/** By instruction class: BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_JMP32, BPF_ALU64. */
const HANDLERS: Readonly<Record<0 | 1 | 2 | 3 | 4 | 5 | 6 | 7, Handler>> = {
  0: checkLd,
  1: checkLdx,
  2: checkSt,
  3: checkStx,
  4: checkAlu,
  5: checkJmp,
  6: checkJmp,
  7: checkAlu,
};
const BY_CLASS: readonly Handler[] = Object.values(HANDLERS);

/** The path is done: continues with the latest branch that is not; false when none is left. */
function popStack(env: Env): boolean {
  markVerifierStateScratched(env);
  updateBranchCounts(env, env.curState);
  env.liveness.update();
  const elem = env.stack.pop();
  if (!elem) return false;
  env.curState = elem.state;
  if (elem.state.sharing) elem.state.unshare();
  env.insnIdx = elem.insnIdx;
  env.walkedFrom = elem.prevInsnIdx;
  if (!(env.log.level & BPF_LOG_LEVEL2)) env.log.reset(elem.logPos);
  return true;
}

function logSafe(env: Env, printState: boolean): void {
  if (!(env.log.level & BPF_LOG_LEVEL)) return;
  const speculative = env.curState.speculative ? ' (speculative execution)' : '';
  if (printState) env.verbose(`\nfrom ${env.prevInsnIdx} to ${env.insnIdx}${speculative}: safe\n`);
  else env.verbose(`${env.insnIdx}: safe\n`);
}

function logInsn(env: Env): void {
  const state = env.curState;
  if (env.scratchedRegs || env.scratchedStackLo || env.scratchedStackHi) {
    printInsnState(env, state, state.curframe);
  }
  verboseLinfo(env, env.insnIdx, '; ');
  env.prevLogPos = env.log.length;
  const text = `${env.insnIdx}: ${insnStr(env, env.insnIdx)}\n`;
  env.verbose(text);
  env.prevInsnPrintPos = env.log.length - env.prevLogPos;
  env.prevLogPos = env.log.length;
}

/** What a barrier in front of the instruction prevents, instead of rejecting the program. */
const RECOVERABLE: ReadonlySet<number> = new Set([errno.EPERM, errno.EACCES, errno.EINVAL]);

/** An instruction on a path that only a mispredicting CPU goes: where it fails, a barrier ends the path. */
function speculate(env: Env, insn: Insn, idx: number): number {
  const { aux } = env;
  if (aux.has(idx, NOSPEC)) return END;
  try {
    const outcome = (BY_CLASS[insn.code & 7] as Handler)(env, insn);
    return aux.has(idx, NOSPEC_RESULT) ? END : outcome;
  } catch (error) {
    if (!(error instanceof Reject) || !RECOVERABLE.has(error.errno)) throw error;
    aux.add(idx, NOSPEC);
    return END;
  }
}

/** do_check: until no branch is left. */
function doCheck(env: Env): void {
  const { aux } = env;
  const count = env.insns.length;
  const logging = (env.log.level & BPF_LOG_LEVEL) !== 0;
  let printState = false;
  env.walkedFrom = -1;
  for (;;) {
    const state = env.curState;
    env.curHist = null;
    env.prevInsnIdx = env.walkedFrom;
    const idx = env.insnIdx;
    if (idx >= count || idx < 0) throw new InvariantError(`instruction ${idx} of ${count}`);
    if (++env.insnProcessed > env.complexityLimit) {
      env.reject(errno.E2BIG, msg.tooLarge(env.insnProcessed));
    }
    collectRanges(env);
    state.lastInsnIdx = env.prevInsnIdx;
    state.insnIdx = idx;
    env.insnLogStart = env.log.length;
    if (aux.has(idx, PRUNE_POINT) && isStateVisited(env, idx)) {
      logSafe(env, printState);
      if (!popStack(env)) return;
      printState = true;
      continue;
    }
    if (aux.has(idx, JMP_POINT)) pushJmpHistory(env, state, 0, null);
    if (logging) {
      if (printState && env.log.level & BPF_LOG_LEVEL2) {
        const speculative = state.speculative ? ' (speculative execution)' : '';
        env.verbose(`\nfrom ${env.prevInsnIdx} to ${idx}${speculative}:`);
        printVerifierState(env, state, state.curframe, true);
        printState = false;
      }
      logInsn(env);
    }
    // Code that only a mispredicting CPU reaches stays dead.
    if (!state.speculative) aux.add(idx, SEEN);
    env.walkedFrom = idx;
    env.insnLogStart = env.log.length;
    const insn = env.insn(idx);
    env.liveness.resetWrites(idx);
    const outcome = state.speculative ? speculate(env, insn, idx) : (BY_CLASS[insn.code & 7] as Handler)(env, insn);
    env.liveness.commitWrites();
    if (outcome === NEXT) {
      env.insnIdx++;
    } else if (outcome === END) {
      if (!popStack(env)) return;
      printState = true;
    } else if (outcome === RETURNED) {
      printState = true;
    }
  }
}

/** Registers of a global function that is verified for any arguments its prototype allows. */
function setArgument(env: Env, regs: readonly RegState[], regno: number, arg: SubprogArg): void {
  const reg = regs[regno] as RegState;
  const type = arg.argType;
  const base = baseType(type);
  if (type === ARG_PTR_TO_CTX) {
    reg.markPointer(PTR_TO_CTX);
  } else if (type === ARG_ANYTHING || base === ARG_PTR_TO_ARENA) {
    markRegUnknown(env, regs, regno);
  } else if (type === (ARG_PTR_TO_DYNPTR | MEM_RDONLY)) {
    reg.markPointer(CONST_PTR_TO_DYNPTR);
    reg.id = ++env.idGen;
    reg.dynptrType = BPF_DYNPTR_TYPE_LOCAL;
    reg.dynptrFirstSlot = true;
  } else if (base === ARG_PTR_TO_MEM) {
    reg.markPointer(PTR_TO_MEM | (type & (PTR_MAYBE_NULL | PTR_UNTRUSTED | MEM_RDONLY)));
    reg.memSize = arg.memSize;
    if (type & PTR_MAYBE_NULL) reg.id = ++env.idGen;
  } else if (base === ARG_PTR_TO_BTF_ID) {
    reg.markPointer(PTR_TO_BTF_ID | (type & (PTR_MAYBE_NULL | PTR_UNTRUSTED | PTR_TRUSTED)));
    reg.btf = env.vmlinux;
    reg.btfId = arg.btfId;
    reg.id = ++env.idGen;
  } else {
    throw new NotSupported(`argument type ${type} of a global function`);
  }
}

function prepareGlobal(env: Env, subprog: number, regs: readonly RegState[]): void {
  const info = env.subprog(subprog);
  if (env.log.level & BPF_LOG_LEVEL) env.verbose(`Validating ${info.name}() func#${subprog}...\n`);
  btfPrepareFuncArgs(env, subprog);
  if (info.isExceptionCb) {
    env.curFunc().inExceptionCallbackFn = true;
    if (info.args.length !== 1 || info.args[0]?.argType !== ARG_ANYTHING) {
      env.reject(errno.EINVAL, msg.exceptionCallbackArgs());
    }
  }
  info.args.forEach((arg, i) => {
    setArgument(env, regs, i + 1, arg);
  });
}

/** The program itself: R1 is its context, whatever BTF says. */
function prepareMain(env: Env, regs: readonly RegState[]): void {
  const info = env.subprog(0);
  if (info.funcIndex >= 0) {
    try {
      btfPrepareFuncArgs(env, 0);
      if (info.args.length !== 1 || info.args[0]?.argType !== ARG_PTR_TO_CTX) info.unreliable = true;
    } catch (error) {
      if (!(error instanceof Reject)) throw error;
      info.unreliable = true;
    }
  }
  (regs[1] as RegState).markPointer(PTR_TO_CTX);
}

/** do_check_common */
function doCheckCommon(env: Env, subprog: number): void {
  env.prevLinfo = null;
  const state = new VerifierState();
  state.branches = 1;
  state.inSleepable = env.sleepable;
  state.frame.push(initFuncState(env, BPF_MAIN_FUNC, 0, subprog));
  markVerifierStateScratched(env);
  state.firstInsnIdx = env.subprog(subprog).start;
  state.lastInsnIdx = -1;
  env.curState = state;
  env.insnIdx = state.firstInsnIdx;
  env.liveness.resetCallchain();
  const regs = state.func().regs;
  if (subprog || env.progType === 'ext') prepareGlobal(env, subprog, regs);
  else prepareMain(env, regs);
  if (!subprog && env.progType === 'struct_ops') acquireCtxReferences(env);
  doCheck(env);
  if (!(env.log.level & BPF_LOG_LEVEL2)) env.log.reset(0);
  freeStates(env);
}

function freeStates(env: Env): void {
  env.explored.length = 0;
  env.sccVisits.clear();
}

/** do_check_main */
export function doCheckMain(env: Env): void {
  doCheckCommon(env, 0);
}

/** do_check_subprogs: global functions that were called, until no new one is. */
export function doCheckSubprogs(env: Env): void {
  if (env.exceptionCallbackSubprog) env.subprog(env.exceptionCallbackSubprog).called = true;
  let again = true;
  while (again) {
    again = false;
    for (let i = 1; i < env.subprogCnt; i++) {
      const info = env.subprog(i);
      if (!info.isGlobal || !info.called || info.verified) continue;
      doCheckCommon(env, i);
      if (env.log.level & BPF_LOG_LEVEL) {
        env.verbose(`Func#${i} ('${info.name}') is safe for any args that match its prototype\n`);
      }
      info.verified = true;
      again = true;
    }
  }
}
