/**
 * Which stack slots may still be read (kernel/bpf/liveness.c). While the verifier walks, it notes for each instruction, apart
 * by chain of calls, which slots it may read and which it writes in every case; a data-flow pass over the control flow then
 * answers whether a slot is alive before an instruction. Only live slots count when states are compared.
 *
 * A set of slots is two 32-bit words; the numbers of one instruction lie together in an Int32Array.
 */

import { NotSupported } from '../errors.ts';
import type { Env } from './env.ts';
import { insnSuccessor, MAX_SUCCESSORS } from './flow.ts';
import { CALLS_CALLBACK, PRUNE_POINT } from './insn_aux.ts';
import { BPF_LOG_LEVEL2 } from './log_buffer.ts';
import type { VerifierState } from './verifier_state.ts';

/** Words of one instruction. */
const MAY_READ = 0;
const MUST_WRITE = 2;
/** Written by the instruction or by all that follow it in the function. */
const WRITTEN = 4;
const LIVE = 6;
const WORDS = 8;
/** Words of all marks, 256 MiB. The kernel goes on as long as it has memory. */
const MAX_WORDS = 64 << 20;

/** A function as called through one chain of calls. */
class Instance {
  updated = false;
  mustWriteDropped = false;
  /** Marks for the stack of each frame of the chain. */
  readonly frames: (Int32Array | null)[];
  readonly mustWriteSet: Uint8Array;

  constructor(
    /** Call instructions that lead here, then the first instruction of the function. */
    readonly callsites: readonly number[],
    readonly starts: readonly number[],
    readonly insnCnt: number,
    private readonly reserve: (words: number) => void,
  ) {
    this.frames = callsites.map(() => null);
    this.mustWriteSet = new Uint8Array(insnCnt);
  }

  get depth(): number {
    return this.callsites.length - 1;
  }

  get start(): number {
    return this.starts[this.depth] as number;
  }

  masks(frame: number): Int32Array {
    let masks = this.frames[frame];
    if (!masks) {
      this.reserve(this.insnCnt * WORDS);
      masks = new Int32Array(this.insnCnt * WORDS);
      this.frames[frame] = masks;
    }
    return masks;
  }

  name(): string {
    return `(${this.callsites.join(',')})`;
  }
}

export class StackLiveness {
  private readonly instances = new Map<string, Instance>();
  private current: Instance | null = null;
  private readonly writes = new Int32Array(16);
  private writeInsn = 0;
  private query: Instance[] = [];
  private queryInsn = 0;
  private words = 0;

  constructor(private readonly env: Env) {}

  private readonly reserve = (words: number): void => {
    this.words += words;
    if (this.words > MAX_WORDS) throw new NotSupported('so many chains of calls to functions of so many instructions');
  };

  /** The chain of calls has changed (bpf_reset_live_stack_callchain). */
  resetCallchain(): void {
    this.current = null;
  }

  private lookup(callsites: readonly number[], starts: readonly number[]): Instance {
    const key = callsites.length === 1 ? String(callsites[0]) : callsites.join();
    let instance = this.instances.get(key);
    if (!instance) {
      const start = starts[starts.length - 1] as number;
      const i = this.env.containingSubprog(start);
      instance = new Instance(callsites, starts, this.env.subprog(i + 1).start - start, this.reserve);
      this.instances.set(key, instance);
    }
    return instance;
  }

  private instanceOf(state: VerifierState, frameno: number): Instance {
    const callsites: number[] = [];
    const starts: number[] = [];
    for (let i = 0; i <= frameno; i++) {
      const frame = state.frame[i];
      const start = this.env.subprog(frame?.subprogno ?? 0).start;
      starts.push(start);
      callsites.push(i < frameno ? (state.frame[i + 1]?.callsite ?? 0) : start);
    }
    return this.lookup(callsites, starts);
  }

  private ensureCurrent(): Instance {
    if (!this.current) this.current = this.instanceOf(this.env.curState, this.env.curState.curframe);
    return this.current;
  }

  /** bpf_mark_stack_read: `insnIdx` may read slot `spi` of frame `frame`. */
  markRead(frame: number, insnIdx: number, spi: number): void {
    this.addRead(this.ensureCurrent(), frame, insnIdx, spi < 32 ? 1 << spi : 0, spi < 32 ? 0 : 1 << (spi - 32));
  }

  private addRead(instance: Instance, frame: number, insnIdx: number, lo: number, hi: number): void {
    const masks = instance.masks(frame);
    const at = (insnIdx - instance.start) * WORDS;
    const newLo = (masks[at + MAY_READ] as number) | lo;
    const newHi = (masks[at + MAY_READ + 1] as number) | hi;
    if (newLo === masks[at + MAY_READ] && newHi === masks[at + MAY_READ + 1]) return;
    if (newLo & ~(masks[at + LIVE] as number) || newHi & ~(masks[at + LIVE + 1] as number)) instance.updated = true;
    masks[at + MAY_READ] = newLo;
    masks[at + MAY_READ + 1] = newHi;
  }

  /** Starts collecting the writes of one instruction. */
  resetWrites(insnIdx: number): void {
    this.startWrites(this.ensureCurrent(), insnIdx);
  }

  private startWrites(instance: Instance, insnIdx: number): void {
    this.writeInsn = insnIdx;
    this.writes.fill(0, 0, (instance.depth + 1) * 2);
  }

  /** bpf_mark_stack_write: the instruction overwrites slot `spi` of frame `frame` whole. */
  markWrite(frame: number, spi: number): void {
    const at = frame * 2 + (spi < 32 ? 0 : 1);
    this.writes[at] = (this.writes[at] as number) | (1 << (spi & 31));
  }

  /** The instruction is done: what it wrote on every visit is what counts. */
  commitWrites(): void {
    if (this.current) this.commit(this.current);
  }

  private commit(instance: Instance): void {
    const idx = this.writeInsn - instance.start;
    const seen = instance.mustWriteSet[idx] === 1;
    for (let frame = 0; frame <= instance.depth; frame++) {
      let lo = this.writes[frame * 2] as number;
      let hi = this.writes[frame * 2 + 1] as number;
      if (lo === 0 && hi === 0 && !seen) continue;
      const masks = instance.masks(frame);
      const at = idx * WORDS + MUST_WRITE;
      const oldLo = masks[at] as number;
      const oldHi = masks[at + 1] as number;
      if (seen) {
        lo &= oldLo;
        hi &= oldHi;
      }
      if (oldLo !== lo || oldHi !== hi) {
        masks[at] = lo;
        masks[at + 1] = hi;
        instance.updated = true;
      }
      // The kernel keeps the old set in 32 bits here: slots beyond fp-256 never count as dropped.
      if (oldLo & ~lo) instance.mustWriteDropped = true;
    }
    instance.mustWriteSet[idx] = 1;
    this.writeInsn = 0;
  }

  /** bpf_update_live_stack: after a path or a function ended, brings the answers up to date. */
  update(): void {
    this.resetCallchain();
    const state = this.env.curState;
    for (let frame = state.curframe; frame >= 0; frame--) {
      const instance = this.instanceOf(state, frame);
      if (!instance.updated) continue;
      this.updateInstance(instance);
      instance.updated = false;
      instance.mustWriteDropped = false;
    }
  }

  private updateInstance(instance: Instance): void {
    if (instance.mustWriteDropped) {
      for (const masks of instance.frames) {
        if (!masks) continue;
        for (let at = WRITTEN; at < masks.length; at += WORDS) masks[at] = masks[at + 1] = 0;
      }
    }
    const env = this.env;
    const i = env.containingSubprog(instance.start);
    const from = env.subprog(i).postorderStart;
    const to = env.subprog(i + 1).postorderStart;
    let rounds = 0;
    let changed = true;
    while (changed) {
      rounds++;
      changed = false;
      for (let frame = 0; frame <= instance.depth; frame++) {
        const masks = instance.frames[frame];
        if (!masks) continue;
        for (let at = from; at < to; at++) {
          if (this.updateInsn(instance, frame, masks, env.insnPostorder[at] as number)) changed = true;
        }
      }
    }
    if (env.log.level & BPF_LOG_LEVEL2) {
      env.verbose(`${instance.name()} live stack update done in ${rounds} iterations\n`);
    }
    if (instance.depth > 0) this.propagateToOuter(instance);
  }

  private updateInsn(instance: Instance, frame: number, masks: Int32Array, insnIdx: number): boolean {
    const env = this.env;
    if (insnSuccessor(env, insnIdx, 0) < 0) return false;
    const start = instance.start;
    let afterLo = 0;
    let afterHi = 0;
    let writtenLo = -1;
    let writtenHi = -1;
    for (let k = 0; k < MAX_SUCCESSORS; k++) {
      const next = insnSuccessor(env, insnIdx, k);
      if (next < 0) break;
      const at = (next - start) * WORDS;
      afterLo |= masks[at + LIVE] as number;
      afterHi |= masks[at + LIVE + 1] as number;
      writtenLo &= masks[at + WRITTEN] as number;
      writtenHi &= masks[at + WRITTEN + 1] as number;
    }
    const at = (insnIdx - start) * WORDS;
    const mustLo = masks[at + MUST_WRITE] as number;
    const mustHi = masks[at + MUST_WRITE + 1] as number;
    writtenLo |= mustLo;
    writtenHi |= mustHi;
    const beforeLo = (afterLo & ~mustLo) | (masks[at + MAY_READ] as number);
    const beforeHi = (afterHi & ~mustHi) | (masks[at + MAY_READ + 1] as number);
    const oldLo = masks[at + LIVE] as number;
    const oldHi = masks[at + LIVE + 1] as number;
    const oldWrittenLo = masks[at + WRITTEN] as number;
    const oldWrittenHi = masks[at + WRITTEN + 1] as number;
    if (env.log.level & BPF_LOG_LEVEL2) {
      const marked = masks[at] || masks[at + 1] || mustLo || mustHi;
      if (marked || insnIdx === start || env.aux.has(insnIdx, PRUNE_POINT)) {
        this.logChange(instance, 'live', frame, insnIdx, oldLo, oldHi, beforeLo, beforeHi);
        this.logChange(instance, 'written', frame, insnIdx, oldWrittenLo, oldWrittenHi, writtenLo, writtenHi);
      }
    }
    masks[at + LIVE] = beforeLo;
    masks[at + LIVE + 1] = beforeHi;
    masks[at + WRITTEN] = writtenLo;
    masks[at + WRITTEN + 1] = writtenHi;
    return beforeLo !== oldLo || beforeHi !== oldHi || writtenLo !== oldWrittenLo || writtenHi !== oldWrittenHi;
  }

  private logChange(
    instance: Instance,
    what: string,
    frame: number,
    insnIdx: number,
    oldLo: number,
    oldHi: number,
    newLo: number,
    newHi: number,
  ): void {
    if (oldLo === newLo && oldHi === newHi) return;
    let text = `${instance.name()} frame ${frame} insn ${insnIdx} `;
    const added = fmtStackMask(newLo & ~oldLo, newHi & ~oldHi);
    const gone = fmtStackMask(oldLo & ~newLo, oldHi & ~newHi);
    if (added) text += `+${what} ${added} `;
    if (gone) text += `-${what} ${gone}`;
    this.env.verbose(`${text}\n`);
  }

  /** What a function does to its callers' stacks becomes what the call instruction does. */
  private propagateToOuter(instance: Instance): void {
    const depth = instance.depth;
    const starts = instance.starts.slice(0, depth);
    const callsites = instance.callsites.slice(0, depth);
    const callsite = callsites[depth - 1] as number;
    callsites[depth - 1] = starts[depth - 1] as number;
    const outer = this.lookup(callsites, starts);
    this.startWrites(outer, callsite);
    for (let frame = 0; frame < depth; frame++) {
      const masks = instance.frames[frame];
      if (!masks) continue;
      this.writes[frame * 2] = (this.writes[frame * 2] as number) | (masks[WRITTEN] as number);
      this.writes[frame * 2 + 1] = (this.writes[frame * 2 + 1] as number) | (masks[WRITTEN + 1] as number);
      this.addRead(outer, frame, callsite, masks[LIVE] as number, masks[LIVE + 1] as number);
    }
    this.commit(outer);
  }

  /** Prepares isAlive() for `state`. */
  queryInit(state: VerifierState): void {
    this.query = [];
    for (let frame = 0; frame <= state.curframe; frame++) this.query.push(this.instanceOf(state, frame));
    this.queryInsn = state.insnIdx;
  }

  /** bpf_stack_slot_alive: may slot `spi` of frame `frameno` be read from here on? */
  isAlive(frameno: number, spi: number): boolean {
    const depth = this.query.length - 1;
    const current = this.query[depth] as Instance;
    if (liveBefore(current, this.queryInsn, frameno, spi)) return true;
    for (let i = frameno; i < depth; i++) {
      const callsite = current.callsites[i] as number;
      const at = this.env.aux.has(callsite, CALLS_CALLBACK) ? callsite : callsite + 1;
      if (liveBefore(this.query[i] as Instance, at, frameno, spi)) return true;
    }
    return false;
  }
}

function liveBefore(instance: Instance, insnIdx: number, frame: number, spi: number): boolean {
  const masks = instance.frames[frame];
  if (!masks) return false;
  const word = masks[(insnIdx - instance.start) * WORDS + LIVE + (spi < 32 ? 0 : 1)] as number;
  return ((word >>> (spi & 31)) & 1) !== 0;
}

/** bpf_fmt_stack_mask: `-8,-16,...`. */
export function fmtStackMask(lo: number, hi: number): string {
  const slots: number[] = [];
  for (let i = 0; i < 64; i++) {
    if (((i < 32 ? lo >>> i : hi >>> (i - 32)) & 1) !== 0) slots.push(-(i + 1) * 8);
  }
  return slots.join(',');
}
