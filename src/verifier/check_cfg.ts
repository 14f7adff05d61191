/** check_cfg: every instruction is reached, jumps stay inside, and where states are compared. */
import { KF_ITER_NEXT } from '../kernel/bpf/rows.ts';
import { errno } from '../uapi/errno.ts';
import {
  callMightSleep,
  fetchKfuncMeta,
  helperChangesPktData,
  isAsyncCallbackCallingInsn,
  isHelperCall,
  isKfuncCall,
  isPseudoFunc,
  isSyncCallbackCallingInsn,
} from './call_info.ts';
import type { Env, Insn } from './env.ts';
import { jmpOffset } from './flow.ts';
import { CALLS_CALLBACK, FORCE_CHECKPOINT, JMP_POINT, JUMP_TARGET, PRUNE_POINT } from './insn_aux.ts';
import { verboseLinfo } from './log.ts';
import { msg } from './messages.ts';

const DISCOVERED = 0x10;
const EXPLORED = 0x20;
const FALLTHROUGH = 1;
const BRANCH = 2;

const LD_IMM64 = 0x18;

class Walk {
  readonly state: Uint8Array;
  /** Every instruction is put here once at most. */
  private readonly stack: Int32Array;
  private depth = 0;

  constructor(readonly env: Env) {
    this.state = new Uint8Array(env.insns.length);
    this.stack = new Int32Array(env.insns.length);
  }

  /** push_insn: follows the edge t -> w; true when w has to be explored first. */
  private push(t: number, w: number, edge: number): boolean {
    const env = this.env;
    const state = this.state;
    if ((state[t] as number) >= (DISCOVERED | edge)) return false;
    if (w < 0 || w >= env.insns.length) {
      verboseLinfo(env, t, `${t}: `);
      env.reject(errno.EINVAL, msg.jumpOutOfRange(t, w));
    }
    if (edge === BRANCH) {
      env.aux.add(w, PRUNE_POINT | JMP_POINT | JUMP_TARGET);
    }
    if (state[w] === 0) {
      state[t] = DISCOVERED | edge;
      state[w] = DISCOVERED;
      this.stack[this.depth++] = w;
      return true;
    }
    if (state[w] === EXPLORED) state[t] = DISCOVERED | edge;
    return false;
  }

  private call(t: number, insn: Insn, visitCallee: boolean): boolean {
    const env = this.env;
    const next = t + (insn.code === LD_IMM64 ? 2 : 1);
    if (this.push(t, next, FALLTHROUGH)) return true;
    env.aux.add(next, PRUNE_POINT | JMP_POINT);
    if (!visitCallee) return false;
    const w = t + insn.imm + 1;
    env.aux.add(t, PRUNE_POINT);
    this.mergeCalleeEffects(t, w);
    return this.push(t, w, BRANCH);
  }

  /** What a function does to packets and whether it sleeps holds for its callers too. */
  private mergeCalleeEffects(t: number, w: number): void {
    const caller = this.env.subprog(this.env.containingSubprog(t));
    const callee = this.env.subprog(this.env.containingSubprog(w));
    if (callee.changesPktData) caller.changesPktData = true;
    if (callee.mightSleep) caller.mightSleep = true;
  }

  /** visit_insn: true when another instruction has to be explored first. */
  visit(t: number): boolean {
    const env = this.env;
    const insn = env.insn(t);
    if (isPseudoFunc(insn)) return this.call(t, insn, true);
    const cls = insn.code & 7;
    if (cls !== 5 && cls !== 6) return this.push(t, t + (insn.code === LD_IMM64 ? 2 : 1), FALLTHROUGH);
    switch (insn.code & 0xf0) {
      case 0x90:
        return false;
      case 0x80:
        this.markCall(t, insn);
        return this.call(t, insn, insn.src === 1);
      case 0x00: {
        if (insn.code & 8) env.reject(errno.EINVAL);
        const w = t + jmpOffset(insn) + 1;
        if (this.push(t, w, FALLTHROUGH)) return true;
        env.aux.add(w, PRUNE_POINT | JMP_POINT | JUMP_TARGET);
        return false;
      }
      default:
        env.aux.add(t, insn.code === 0xe5 ? PRUNE_POINT | FORCE_CHECKPOINT : PRUNE_POINT);
        if (this.push(t, t + 1, FALLTHROUGH)) return true;
        return this.push(t, t + insn.off + 1, BRANCH);
    }
  }

  private markCall(t: number, insn: Insn): void {
    const env = this.env;
    const subprog = env.subprog(env.containingSubprog(t));
    // The callback may come back to the instruction that set it up.
    if (isAsyncCallbackCallingInsn(env, insn)) env.aux.add(t, PRUNE_POINT);
    if (isSyncCallbackCallingInsn(env, insn)) {
      env.aux.add(t, CALLS_CALLBACK | FORCE_CHECKPOINT | PRUNE_POINT | JMP_POINT);
    }
    if (callMightSleep(env, insn)) subprog.mightSleep = true;
    if (isHelperCall(insn) && helperChangesPktData(insn.imm)) subprog.changesPktData = true;
    if (!isKfuncCall(insn)) return;
    const meta = fetchKfuncMeta(env, insn);
    if (!meta) return;
    if (meta.flags & KF_ITER_NEXT) env.aux.add(t, PRUNE_POINT | FORCE_CHECKPOINT);
    if (meta.name === 'bpf_xdp_pull_data') subprog.changesPktData = true;
  }

  run(start: number): void {
    this.state[start] = DISCOVERED;
    this.stack[this.depth++] = start;
    while (this.depth) {
      const t = this.stack[this.depth - 1] as number;
      if (this.visit(t)) continue;
      this.state[t] = EXPLORED;
      this.depth--;
    }
  }
}

export function checkCfg(env: Env): void {
  const walk = new Walk(env);
  walk.run(0);
  if (env.exceptionCallbackSubprog) walk.run(env.subprog(env.exceptionCallbackSubprog).start);
  for (let i = 0; i < env.insns.length; i++) {
    if (walk.state[i] !== EXPLORED) env.reject(errno.EINVAL, msg.unreachable(i));
    if (env.insn(i).code !== LD_IMM64) continue;
    if (walk.state[i + 1] !== 0) env.reject(errno.EINVAL, msg.jumpIntoLdImm64(i));
    i++;
  }
}
