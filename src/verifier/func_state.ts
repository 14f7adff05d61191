/** One frame: its registers and its stack (struct bpf_func_state). */
import { NOT_INIT } from '../kernel/bpf/bpf.ts';
import { MAX_BPF_REG } from './limits.ts';
import { DEAD_REG, RegState } from './reg_state.ts';

/** enum bpf_stack_slot_type. */
export const STACK_INVALID = 0;
export const STACK_SPILL = 1;
export const STACK_MISC = 2;
export const STACK_ZERO = 3;
export const STACK_DYNPTR = 4;
export const STACK_ITER = 5;
export const STACK_IRQ_FLAG = 6;

/** struct bpf_stack_state: 8 bytes of stack; byte i of the slot has type `slotType(i)`, byte 0 at fp-1-8*spi (highest), byte 7 lowest. */
export class StackSlot {
  spilled = new RegState();
  /** Eight types, 3 bits each, byte 0 lowest. */
  types = 0;

  slotType(i: number): number {
    return (this.types >>> (i * 3)) & 7;
  }

  setSlotType(i: number, type: number): void {
    this.types = (this.types & ~(7 << (i * 3))) | (type << (i * 3));
  }

  /** Sets all eight. */
  setAll(type: number): void {
    this.types = type * ALL_BYTES;
  }

  equals(other: StackSlot): boolean {
    return this.types === other.types && this.spilled.equals(other.spilled);
  }

  clone(): StackSlot {
    const slot = new StackSlot();
    slot.spilled.assign(this.spilled);
    slot.types = this.types;
    return slot;
  }
}

/** A slot with nothing in it, shared by all states that are only compared with. */
export const DEAD_SLOT = new StackSlot();
DEAD_SLOT.spilled = DEAD_REG;
const ALL_BYTES = 0o11111111;

/** struct bpf_func_state: one frame. */
export class FuncState {
  /** stack[0] is fp-8, stack[1] fp-16 ...; its length is the allocated stack / 8. */
  stack: StackSlot[] = [];
  asyncEntryCnt = 0;
  /** callback_ret_range; null where the kernel's is unset. */
  retRange: { readonly min: number; readonly max: number } = { min: 0, max: 0 };
  inCallbackFn = false;
  inAsyncCallbackFn = false;
  inExceptionCallbackFn = false;
  /** How often the callback in frame + 1 has been simulated. */
  callbackDepth = 0;
  /** Part of several remembered states. */
  private shared = false;

  constructor(
    /** Call instruction that made the frame; BPF_MAIN_FUNC (-1) for the first. */
    public callsite: number,
    public frameno: number,
    public subprogno: number,
    readonly regs: RegState[] = [],
  ) {}

  /** The same frame around other registers and slots. */
  private with(regs: RegState[], stack: StackSlot[]): FuncState {
    const copy = new FuncState(this.callsite, this.frameno, this.subprogno, regs);
    copy.stack = stack;
    copy.asyncEntryCnt = this.asyncEntryCnt;
    copy.retRange = this.retRange;
    copy.inCallbackFn = this.inCallbackFn;
    copy.inAsyncCallbackFn = this.inAsyncCallbackFn;
    copy.inExceptionCallbackFn = this.inExceptionCallbackFn;
    copy.callbackDepth = this.callbackDepth;
    return copy;
  }

  clone(): FuncState {
    const regs: RegState[] = [];
    for (let i = 0; i < MAX_BPF_REG; i++) regs.push((this.regs[i] as RegState).clone());
    const stack: StackSlot[] = [];
    for (let i = 0; i < this.stack.length; i++) stack.push((this.stack[i] as StackSlot).clone());
    return this.with(regs, stack);
  }

  /**
   * A copy to remember, not to run on. Registers and slots that are as in `base`, an earlier such copy, are those very objects,
   * and so is the whole frame if it is as it was: a program's states differ in little, and there may be 100,000 of them.
   */
  freeze(base: FuncState | undefined): FuncState {
    const { regs, stack } = this;
    let same = base !== undefined && base.stack.length === stack.length && this.sameCall(base);
    const keptRegs: RegState[] = [];
    for (let i = 0; i < MAX_BPF_REG; i++) {
      const reg = regs[i] as RegState;
      const old = base?.regs[i];
      const kept = reg.type === NOT_INIT ? DEAD_REG : old?.equals(reg) ? old : reg.clone();
      if (kept !== old) same = false;
      keptRegs.push(kept);
    }
    const keptStack: StackSlot[] = [];
    for (let i = 0; i < stack.length; i++) {
      const slot = stack[i] as StackSlot;
      const old = base?.stack[i];
      const kept = old?.equals(slot) ? old : slot.clone();
      if (kept !== old) same = false;
      keptStack.push(kept);
    }
    if (!base || !same) return this.with(keptRegs, keptStack);
    base.shared = true;
    return base;
  }

  private sameCall(other: FuncState): boolean {
    return (
      this.callsite === other.callsite &&
      this.frameno === other.frameno &&
      this.subprogno === other.subprogno &&
      this.asyncEntryCnt === other.asyncEntryCnt &&
      this.retRange === other.retRange &&
      this.inCallbackFn === other.inCallbackFn &&
      this.inAsyncCallbackFn === other.inAsyncCallbackFn &&
      this.inExceptionCallbackFn === other.inExceptionCallbackFn &&
      this.callbackDepth === other.callbackDepth
    );
  }

  /** This frame, or a copy whose entries can be replaced while others keep theirs. */
  own(): FuncState {
    return this.shared ? this.with(this.regs.slice(), this.stack.slice()) : this;
  }

  /** Lets go of registers and slots that are as in `base`, until clone() makes them its own again. */
  share(base: FuncState | undefined): void {
    for (let i = 0; i < MAX_BPF_REG; i++) {
      const old = base?.regs[i];
      if (old?.equals(this.regs[i] as RegState)) this.regs[i] = old;
    }
    for (let i = 0; i < this.stack.length; i++) {
      const old = base?.stack[i];
      if (old?.equals(this.stack[i] as StackSlot)) this.stack[i] = old;
    }
  }

  /** Register `n`. */
  reg(n: number): RegState {
    return this.regs[n] as RegState;
  }

  /** Slot `spi`, which must be allocated (growStackState). */
  slot(spi: number): StackSlot {
    return this.stack[spi] as StackSlot;
  }
}
