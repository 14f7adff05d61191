/** Functions of the program: where they start, how deep their stacks go together, bpf_fastcall patterns. */
import { errno } from '../uapi/errno.ts';
import {
  addKfuncCall,
  fastcallInfo,
  isBpfThrowKfunc,
  isHelperCall,
  isKfuncCall,
  isPseudoCall,
  isPseudoFunc,
} from './call_info.ts';
import { type Env, SubprogInfo } from './env.ts';
import { jmpOffset } from './flow.ts';
import { FASTCALL_PATTERN, JUMP_TARGET, SEEN } from './insn_aux.ts';
import { BPF_MAX_SUBPROGS, MAX_BPF_STACK } from './limits.ts';
import { BPF_LOG_LEVEL2 } from './log_buffer.ts';
import { msg } from './messages.ts';

const TAIL_CALL = 12;

function addSubprog(env: Env, start: number): void {
  if (start < 0 || start >= env.insns.length) env.reject(errno.EINVAL, msg.callInvalidDestination());
  if (env.subprogs.some((info) => info.start === start)) return;
  if (env.subprogs.length >= BPF_MAX_SUBPROGS) env.reject(errno.E2BIG, msg.tooManySubprogs());
  env.subprogs.push(new SubprogInfo(start, ''));
  env.subprogs.sort((a, b) => a.start - b.start);
  env.subprogCnt = env.subprogs.length;
}

/** bpf_find_exception_callback_insn_off: the function that a tag on the main one names; 0: none. */
function exceptionCallback(env: Env): number {
  const btf = env.btf;
  const main = env.prog.funcs[0];
  if (!btf || !main?.typeId) return 0;
  const prefix = 'exception_callback:';
  const tags = btf.declTags(main.typeId).filter((tag) => tag.componentIdx === -1 && tag.name.startsWith(prefix));
  if (tags.length > 1) env.reject(errno.EEXIST, msg.exceptionCallbackTwice());
  const name = tags[0]?.name.slice(prefix.length);
  if (name === undefined) return 0;
  const id = btf.find(name, 'func');
  if (!id) env.reject(errno.ENOENT, msg.exceptionCallbackMissing(name));
  const type = btf.type(id);
  if (type.kind !== 'func' || type.linkage !== 'global') env.reject(errno.EINVAL, msg.exceptionCallbackStatic(name));
  const func = env.prog.funcs.find((f) => f.typeId === id);
  if (!func) env.reject(errno.EINVAL, msg.exceptionCallbackNoFuncInfo());
  if (func.insn === 0) env.reject(errno.EINVAL, msg.exceptionCallbackAtZero());
  return func.insn;
}

/** add_subprog_and_kfunc */
export function addSubprogAndKfunc(env: Env): void {
  addSubprog(env, 0);
  for (let i = 0; i < env.insns.length; i++) {
    const insn = env.insn(i);
    if (isPseudoFunc(insn) || isPseudoCall(insn)) addSubprog(env, i + insn.imm + 1);
    else if (isKfuncCall(insn)) addKfuncCall(env, insn);
  }
  const exception = exceptionCallback(env);
  if (exception) addSubprog(env, exception);
  if (exception) {
    env.exceptionCallbackSubprog = env.findSubprog(exception);
    const info = env.subprog(env.exceptionCallbackSubprog);
    info.isCb = true;
    info.isAsyncCb = true;
    info.isExceptionCb = true;
  }
  env.subprogs.push(new SubprogInfo(env.insns.length, ''));
  nameSubprogs(env);
  if (!(env.log.level & BPF_LOG_LEVEL2)) return;
  for (let i = 0; i < env.subprogCnt; i++) env.verbose(`func#${i} @${env.subprog(i).start}\n`);
}

/** func_info: each function's BTF record. */
function nameSubprogs(env: Env): void {
  const btf = env.btf;
  env.prog.funcs.forEach((func, index) => {
    const i = env.findSubprog(func.insn);
    if (i < 0) return;
    const info = env.subprog(i);
    info.name = func.name;
    if (!btf || !func.typeId) return;
    info.funcIndex = index;
    const type = btf.type(func.typeId);
    // The symbol may have a suffix of the compiler's.
    if (type.name) info.name = type.name;
    info.isGlobal = type.kind === 'func' && type.linkage === 'global';
  });
}

/** check_subprogs: jumps stay in their function, which ends with an exit or a jump. */
export function checkSubprogs(env: Env): void {
  let cur = 0;
  let info = env.subprog(0);
  let end = env.subprog(1).start;
  const count = env.insns.length;
  for (let i = 0; i < count; i++) {
    const insn = env.insn(i);
    const cls = insn.code & 7;
    const mode = insn.code & 0xe0;
    if (isHelperCall(insn) && insn.imm === TAIL_CALL) {
      info.hasTailCall = true;
      info.tailCallReachable = true;
    }
    if (cls === 0 && (mode === 0x20 || mode === 0x40)) info.hasLdAbs = true;
    const op = insn.code & 0xf0;
    if ((cls === 5 || cls === 6) && op !== 0x90 && op !== 0x80) {
      const target = i + jmpOffset(insn) + 1;
      if (target < info.start || target >= end) env.reject(errno.EINVAL, msg.jumpOutOfRange(i, target));
    }
    if (i !== end - 1) continue;
    if (insn.code !== 0x95 && insn.code !== 0x05 && insn.code !== 0x06) env.reject(errno.EINVAL, msg.lastInsn());
    cur++;
    if (cur >= env.subprogCnt) continue;
    info = env.subprog(cur);
    end = env.subprog(cur + 1).start;
  }
}

/** mark_fastcall_patterns: spills and fills around calls that do not clobber what they spill. */
export function markFastcallPatterns(env: Env): void {
  for (let s = 0; s < env.subprogCnt; s++) {
    const from = env.subprog(s).start;
    const to = env.subprog(s + 1).start;
    let lowest = 0;
    for (let i = from; i < to; i++) {
      const insn = env.insn(i);
      if (insn.code === 0x7b && insn.dst === 10) lowest = Math.min(lowest, insn.off);
    }
    for (let i = from; i < to; i++) if (env.insn(i).code === 0x85) markFastcall(env, s, i, lowest);
  }
}

function markFastcall(env: Env, subprog: number, at: number, lowest: number): void {
  const info = fastcallInfo(env, env.insn(at));
  if (!info) return;
  let expected = 0x3f & ~info.clobbered;
  let off = lowest;
  let i = 1;
  for (; i <= 6; i++, off += 8) {
    if (at - i < 0 || at + i >= env.insns.length) break;
    if (env.aux.has(at - i + 1, JUMP_TARGET) || env.aux.has(at + i, JUMP_TARGET)) break;
    const stx = env.insn(at - i);
    const ldx = env.insn(at + i);
    if (stx.code !== 0x7b || ldx.code !== 0x79 || stx.dst !== 10 || ldx.src !== 10) break;
    if (stx.src !== ldx.dst || !((1 << stx.src) & expected)) break;
    if (stx.off !== off || ldx.off !== off) break;
    expected &= ~(1 << stx.src);
    env.aux.add(at - i, FASTCALL_PATTERN);
    env.aux.add(at + i, FASTCALL_PATTERN);
  }
  if (i === 1) return;
  const sub = env.subprog(subprog);
  if (info.inlined) env.aux.fastcallSpillsNum[at] = i - 1;
  else sub.keepFastcallStack = true;
  sub.fastcallStackOff = Math.min(sub.fastcallStackOff, off);
}

/** The JIT rounds each frame up. */
function roundUpStackDepth(env: Env, depth: number): number {
  return env.has('frames_rounded_to_16') ? Math.ceil(depth / 16) * 16 : Math.ceil(Math.max(depth, 1) / 32) * 32;
}

const PRIV_STACK_UNKNOWN = 0;
const NO_PRIV_STACK = 1;
const PRIV_STACK_ADAPTIVE = 2;
const PRIV_STACK_MIN_SIZE = 64;

/** bpf_enable_priv_stack: program types whose recursion is checked may have private stacks for large frames. */
function privStackMode(env: Env): number {
  switch (env.progType) {
    case 'kprobe':
    case 'tracepoint':
    case 'perf_event':
    case 'raw_tracepoint':
      return PRIV_STACK_ADAPTIVE;
    case 'tracing':
      return env.prog.attachType !== 'trace_iter' ? PRIV_STACK_ADAPTIVE : NO_PRIV_STACK;
    case 'lsm':
    case 'struct_ops':
      return env.privStackRequested ? PRIV_STACK_ADAPTIVE : NO_PRIV_STACK;
    default:
      return NO_PRIV_STACK;
  }
}

/** check_max_stack_depth */
export function checkMaxStackDepth(env: Env): void {
  let mode = PRIV_STACK_UNKNOWN;
  for (let i = 0; i < env.subprogCnt; i++) if (env.subprog(i).hasTailCall) mode = NO_PRIV_STACK;
  if (mode === PRIV_STACK_UNKNOWN) mode = env.has('private_stack') ? privStackMode(env) : NO_PRIV_STACK;
  for (let i = env.subprogCnt - 1; i >= 0; i--) {
    if (i && !env.subprog(i).isAsyncCb) continue;
    checkStackDepthFrom(env, i, i === 0 && mode === PRIV_STACK_ADAPTIVE);
  }
}

function checkStackDepthFrom(env: Env, root: number, privStack: boolean): void {
  const retInsn: number[] = [];
  const retProg: number[] = [];
  let depth = 0;
  let idx = root;
  let i = env.subprog(idx).start;
  let tailCallReachable = false;
  let enter = true;
  for (;;) {
    const info = env.subprog(idx);
    if (enter) {
      if (!privStack) info.privStack = NO_PRIV_STACK;
      if (idx && info.hasTailCall && depth >= 256) env.reject(errno.EACCES, msg.tailCallStack(depth));
      const own = roundUpStackDepth(env, info.stackDepth);
      if (privStack && info.privStack === PRIV_STACK_UNKNOWN && own >= PRIV_STACK_MIN_SIZE) {
        info.privStack = PRIV_STACK_ADAPTIVE;
      }
      if (info.privStack === PRIV_STACK_ADAPTIVE) {
        // A frame alone cannot be too large: accesses below it are refused.
      } else {
        depth += own;
        if (depth > MAX_BPF_STACK) env.reject(errno.EACCES, msg.combinedStack(retInsn.length + 1, depth));
      }
      enter = false;
    }
    const end = env.subprog(idx + 1).start;
    for (; i < end && !enter; i++) {
      const insn = env.insn(i);
      if (isBpfThrowKfunc(env, insn)) {
        if (info.isCb || retProg.some((p) => env.subprog(p).isCb)) {
          env.reject(errno.EINVAL, msg.throwInCallback(i, idx));
        }
        continue;
      }
      if (!isPseudoCall(insn) && !isPseudoFunc(insn)) continue;
      const next = i + insn.imm + 1;
      const callee = env.findSubprog(next);
      const calleeInfo = env.subprog(callee);
      if (calleeInfo.isAsyncCb) {
        // Async callbacks have a stack of their own.
        if (!isPseudoCall(insn)) continue;
        if (calleeInfo.isExceptionCb) env.reject(errno.EINVAL, msg.callsExceptionCb(i));
      }
      retInsn.push(i + 1);
      retProg.push(idx);
      if (calleeInfo.hasTailCall) tailCallReachable = true;
      if (retInsn.length >= env.maxCallFrames) env.reject(errno.E2BIG, msg.callStackTooDeepStatic(retInsn.length));
      i = next;
      idx = callee;
      enter = true;
      break;
    }
    if (enter) continue;
    if (tailCallReachable) {
      for (const p of retProg) {
        if (env.subprog(p).isExceptionCb) env.reject(errno.EINVAL, msg.tailCallInExceptionCb());
        env.subprog(p).tailCallReachable = true;
      }
    }
    const back = retInsn.pop();
    if (back === undefined) return;
    if (info.privStack !== PRIV_STACK_ADAPTIVE) depth -= roundUpStackDepth(env, info.stackDepth);
    i = back;
    idx = retProg.pop() as number;
  }
}

/** remove_fastcall_spills_fills: stack that only inlined bpf_fastcall patterns used is not used any more. */
export function removeFastcallSpills(env: Env): void {
  for (let s = 0; s < env.subprogCnt; s++) {
    const info = env.subprog(s);
    const end = env.subprog(s + 1).start;
    let modified = false;
    for (let i = info.start; i < end; i++) if (env.aux.fastcallSpillsNum[i]) modified = true;
    if (modified && !info.keepFastcallStack) info.stackDepth = -info.fastcallStackOff;
  }
}

const MAY_GOTO = 0xe5;
const LOOP = 181;

/** Stack that rewrites after acceptance add: counters of may_goto, registers saved around an inlined bpf_loop. */
export function growStacksForRewrites(env: Env): void {
  for (let s = 0; s < env.subprogCnt; s++) {
    const info = env.subprog(s);
    const end = env.subprog(s + 1).start;
    let loops = false;
    let mayGoto = false;
    for (let i = info.start; i < end; i++) {
      const insn = env.insn(i);
      if (isHelperCall(insn) && insn.imm === LOOP && env.aux.find(i)?.loopInline?.fit) loops = true;
      if (insn.code === MAY_GOTO && env.aux.has(i, SEEN)) mayGoto = true;
    }
    if (loops) info.stackDepth = Math.ceil(info.stackDepth / 8) * 8 + 24;
    if (mayGoto) info.stackDepth += 16;
  }
}

/** BPF_PSEUDO_FUNC of a ld_imm64. */
const PSEUDO_FUNC = 4;
const LD_IMM64 = 0x18;

/** Functions that stay when dead code is removed: the statistics and the jit know no others. */
export function liveSubprogs(env: Env): number[] {
  const live: number[] = [];
  for (let s = 0; s < env.subprogCnt; s++) {
    const end = env.subprog(s + 1).start;
    for (let i = env.subprog(s).start; i < end; i++) {
      if (!env.aux.has(i, SEEN)) continue;
      live.push(s);
      break;
    }
  }
  return live;
}

/**
 * jit_subprogs: the address of a function that was removed names the instruction that took its place, which has to start a
 * function. The number that the kernel prints also counts what its rewrites have inserted by then.
 */
export function checkCallbacksLive(env: Env): void {
  const live = liveSubprogs(env);
  env.deadCodeRemoved = true;
  const hidden = env.seenException && !env.exceptionCallbackSubprog ? 1 : 0;
  if (live.length + hidden <= 1 || live.length === env.subprogCnt) return;
  const starts = new Set(live.map((s) => afterRemoval(env, env.subprog(s).start)));
  for (let i = 0; i < env.insns.length; i++) {
    const insn = env.insn(i);
    if (!env.aux.has(i, SEEN) || insn.code !== LD_IMM64 || insn.src !== PSEUDO_FUNC) continue;
    const target = afterRemoval(env, i + insn.imm + 1);
    if (!starts.has(target)) env.reject(errno.EFAULT, msg.deadCallback(target));
  }
}

/** bpf_adj_branches: number of an instruction after all runs of dead ones are gone; of a dead one, where the run began plus its place. */
function afterRemoval(env: Env, insn: number): number {
  let target = insn;
  let removed = 0;
  for (let i = 0; i < env.insns.length; ) {
    let end = i;
    while (end < env.insns.length && !env.aux.has(end, SEEN)) end++;
    if (end > i) {
      if (target >= end - removed) target -= end - i;
      removed += end - i;
    }
    i = end + 1;
  }
  return target;
}
