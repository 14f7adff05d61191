/** Facts of the control flow that need no states: successors, post-order, loops, live registers. */

import type { Env, Insn } from './env.ts';
import { BPF_LOG_LEVEL2 } from './log_buffer.ts';

const LD_IMM64 = 0x18;
/** An instruction has at most so many successors. */
export const MAX_SUCCESSORS = 2;

/** Successor `n` of an instruction, -1 for none: fall-through first, then the target of a jump. */
export function insnSuccessor(env: Env, idx: number, n: number): number {
  return env.successors[idx * MAX_SUCCESSORS + n] as number;
}

/** Where a jump goes, as an offset like insn.off. */
export function jmpOffset(insn: Insn): number {
  return insn.code === 0x06 ? insn.imm : insn.off;
}

/** Fills env.successors: flat, as a program may have a million instructions. */
export function computeSuccessors(env: Env): void {
  const flat = new Int32Array(env.insns.length * MAX_SUCCESSORS).fill(-1);
  for (let i = 0; i < env.insns.length; i++) {
    const insn = env.insn(i);
    const cls = insn.code & 7;
    const next = i + (insn.code === LD_IMM64 ? 2 : 1);
    const op = insn.code & 0xf0;
    const jumps = (cls === 5 || cls === 6) && op !== 0x80;
    let n = i * MAX_SUCCESSORS;
    if (!jumps || (op !== 0x00 && op !== 0x90)) flat[n++] = next;
    if (jumps && op !== 0x90) flat[n] = i + jmpOffset(insn) + 1;
  }
  env.successors = flat;
}

/** compute_postorder: fills env.insnPostorder and each function's part of it. */
export function computePostorder(env: Env): void {
  const order = new Int32Array(env.insns.length);
  const DISCOVERED = 1;
  const EXPLORED = 2;
  const state = new Uint8Array(env.insns.length);
  // Every instruction is put here once at most.
  const stack = new Int32Array(env.insns.length);
  let depth = 0;
  let n = 0;
  for (let i = 0; i < env.subprogCnt; i++) {
    env.subprog(i).postorderStart = n;
    stack[depth++] = env.subprog(i).start;
    while (depth) {
      const top = stack[depth - 1] as number;
      state[top] = (state[top] as number) | DISCOVERED;
      if ((state[top] as number) & EXPLORED) {
        order[n++] = top;
        depth--;
        continue;
      }
      for (let k = 0; k < MAX_SUCCESSORS; k++) {
        const next = insnSuccessor(env, top, k);
        if (next < 0 || state[next]) continue;
        stack[depth++] = next;
        state[next] = DISCOVERED;
      }
      state[top] = (state[top] as number) | EXPLORED;
    }
  }
  env.subprog(env.subprogCnt).postorderStart = n;
  env.insnPostorder = order.subarray(0, n);
}

/** compute_scc: numbers the loops (strongly connected components of more than one instruction, or with an edge to itself). */
export function computeScc(env: Env): void {
  const count = env.insns.length;
  const pre = new Uint32Array(count);
  const low = new Uint32Array(count);
  const OFF_STACK = 0xffffffff;
  let number = 1;
  let nextScc = 1;
  // Both take every instruction once at most.
  const stack = new Int32Array(count);
  let held = 0;
  const dfs = new Int32Array(count);
  let depth = 0;
  for (let i = 0; i < count; i++) {
    if (pre[i]) continue;
    dfs[depth++] = i;
    while (depth) {
      const w = dfs[depth - 1] as number;
      if (!pre[w]) {
        low[w] = number;
        pre[w] = number;
        number++;
        stack[held++] = w;
      }
      let descend = -1;
      let toItself = false;
      for (let k = 0; k < MAX_SUCCESSORS; k++) {
        const s = insnSuccessor(env, w, k);
        if (s < 0) break;
        if (s === w) toItself = true;
        if (!pre[s]) {
          descend = s;
          break;
        }
        low[w] = Math.min(low[w] as number, low[s] as number);
      }
      if (descend >= 0) {
        dfs[depth++] = descend;
        continue;
      }
      depth--;
      if ((low[w] as number) < (pre[w] as number)) continue;
      const loop = stack[held - 1] !== w || toItself;
      let t: number;
      do {
        t = stack[--held] as number;
        low[t] = OFF_STACK;
        if (loop) env.aux.scc[t] = nextScc;
      } while (t !== w);
      if (loop) nextScc++;
    }
  }
}

const ALL_CALLER_SAVED = 0x3f;
const ALL = 0xffff;

/** Registers that an instruction reads and writes, as masks (compute_insn_live_regs). */
function useDef(env: Env, insn: Insn): { use: number; def: number } {
  const src = 1 << insn.src;
  const dst = 1 << insn.dst;
  const mode = insn.code & 0xe0;
  const byReg = (insn.code & 8) !== 0;
  const op = insn.code & 0xf0;
  switch (insn.code & 7) {
    case 0:
      return insn.code === LD_IMM64 ? { use: 0, def: dst } : { use: ALL, def: 0 };
    case 1:
      return mode === 0x60 || mode === 0x80 ? { use: src, def: dst } : { use: ALL, def: 0 };
    case 2:
      return mode === 0x60 ? { use: dst, def: 0 } : { use: ALL, def: 0 };
    case 3:
      if (mode === 0x60) return { use: dst | src, def: 0 };
      if (mode !== 0xc0) return { use: ALL, def: 0 };
      if (insn.imm === 0xf1) return { use: 1 | dst | src, def: 1 };
      if (insn.imm === 0x100) return { use: src, def: dst };
      if (insn.imm === 0x110) return { use: dst | src, def: 0 };
      return { use: dst | src, def: insn.imm & 1 ? src : 0 };
    case 4:
    case 7:
      if (op === 0xd0) return { use: dst, def: dst };
      if (op === 0xb0) return { use: byReg ? src : 0, def: dst };
      return { use: byReg ? dst | src : dst, def: dst };
    default:
      if (op === 0x00 || op === 0xe0) return { use: 0, def: 0 };
      if (op === 0x90) return { use: 1, def: 0 };
      if (op === 0x80) {
        const params = env.callParams(insn);
        return { use: params === null ? ALL_CALLER_SAVED & ~1 : ((1 << (params + 1)) - 1) & ~1, def: ALL_CALLER_SAVED };
      }
      return { use: byReg ? dst | src : dst, def: 0 };
  }
}

/** compute_live_registers: sets aux.liveRegsBefore. `print` gives the text of an instruction for the log. */
export function computeLiveRegisters(env: Env, print: (idx: number) => string): void {
  const count = env.insns.length;
  const use = new Uint16Array(count);
  const def = new Uint16Array(count);
  const live = env.aux.liveRegsBefore;
  for (let i = 0; i < count; i++) {
    const both = useDef(env, env.insn(i));
    use[i] = both.use;
    def[i] = both.def;
  }
  let changed = true;
  while (changed) {
    changed = false;
    for (const idx of env.insnPostorder) {
      let out = 0;
      for (let k = 0; k < MAX_SUCCESSORS; k++) {
        const s = insnSuccessor(env, idx, k);
        if (s >= 0) out |= live[s] as number;
      }
      const before = (out & ~(def[idx] as number)) | (use[idx] as number);
      if (before !== live[idx]) {
        live[idx] = before;
        changed = true;
      }
    }
  }
  if (!(env.log.level & BPF_LOG_LEVEL2)) return;
  env.verbose('Live regs before insn:\n');
  for (let i = 0; i < count; i++) {
    const scc = env.aux.scc[i] as number;
    const liveRegsBefore = live[i] as number;
    let text = scc ? `${String(scc).padStart(3)} ` : '    ';
    text += `${String(i).padStart(3)}: `;
    for (let r = 0; r < 10; r++) text += liveRegsBefore & (1 << r) ? r : '.';
    env.verbose(`${text} ${print(i)}\n`);
    if (env.insn(i).code === LD_IMM64) i++;
  }
}
