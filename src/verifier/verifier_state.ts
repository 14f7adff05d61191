/**
 * What the verifier knows at one instruction (struct bpf_verifier_state): frames, references, and how it came here. Plain classes whose
 * fields change in place, with `clone()` where the kernel copies a structure. What is known of a number is a handle into the range domain
 * (range.ts): equal handles mean equal knowledge.
 */
import { DEAD_SLOT, type FuncState, STACK_SPILL, type StackSlot } from './func_state.ts';
import { MAX_BPF_REG } from './limits.ts';
import { DEAD_REG, type RegState } from './reg_state.ts';

/** enum ref_state_type: what an entry of VerifierState.refs is. */
export const REF_TYPE_PTR = 1 << 1;
export const REF_TYPE_IRQ = 1 << 2;
export const REF_TYPE_LOCK = 1 << 3;
export const REF_TYPE_RES_LOCK = 1 << 4;
export const REF_TYPE_RES_LOCK_IRQ = 1 << 5;
export const REF_TYPE_LOCK_MASK = REF_TYPE_LOCK | REF_TYPE_RES_LOCK | REF_TYPE_RES_LOCK_IRQ;

/** struct bpf_reference_state: something acquired that has to be released. Never changed once made, so that states share it. */
export class RefState {
  constructor(
    readonly type: number,
    readonly id: number,
    /** Instruction that acquired it. */
    readonly insnIdx: number,
    /** Locks: the map or BTF the lock lies in (reg.map or reg.btf). */
    readonly ptr: object | null,
    /** Frame of the callback that acquired it; 0: none. Kernels before 6.13 look at it. */
    readonly callbackRef = 0,
  ) {}
}

/** struct bpf_jmp_history_entry. */
export class JmpHistoryEntry {
  constructor(
    readonly idx: number,
    readonly prevIdx: number,
    /** INSN_F_ flags. */
    public flags: number,
    /** Registers that shared a value at this jump. */
    public linkedRegs: readonly LinkedReg[] | null,
  ) {}
}

/** One register or spilled slot that shares its id with the compared one. */
export interface LinkedReg {
  readonly frameno: number;
  /** Register number, or slot index when `isReg` is false. */
  readonly index: number;
  readonly isReg: boolean;
}

/** INSN_F_ flags of a history entry: frame in bits 0..2, spi in bits 3..8. */
export const INSN_F_FRAMENO_MASK = 0x7;
export const INSN_F_SPI_MASK = 0x3f;
export const INSN_F_SPI_SHIFT = 3;
export const INSN_F_STACK_ACCESS = 1 << 9;
export const INSN_F_DST_REG_STACK = 1 << 10;
export const INSN_F_SRC_REG_STACK = 1 << 11;

/** struct bpf_verifier_state: everything at one point of one path. */
export class VerifierState {
  readonly frame: FuncState[] = [];
  curframe = 0;
  parent: VerifierState | null = null;
  /** References, locks and irq flags held; insertion order is kept, as messages name them in it. */
  refs: RefState[] = [];
  /** Number of REF_TYPE_LOCK* entries in refs. */
  activeLocks = 0;
  activePreemptLocks = 0;
  /** Innermost irq flag id; 0: irqs on. */
  activeIrqId = 0;
  activeLockId = 0;
  activeLockPtr: object | null = null;
  activeRcuLocks = 0;
  speculative = false;
  inSleepable = false;
  /** Paths from here that are still to be explored. */
  branches = 0;
  insnIdx = 0;
  firstInsnIdx = 0;
  lastInsnIdx = 0;
  /** The cached state this one was found equal to, when its precision comes from there. */
  equalState: VerifierState | null = null;
  jmpHistory: JmpHistoryEntry[] = [];
  dfsDepth = 0;
  callbackUnrollDepth = 0;
  mayGotoDepth = 0;
  /** Dead registers and slots were forgotten (clean_verifier_state). */
  cleaned = false;
  /** Pending, and deep in the stack: see share(). */
  sharing = false;
  /** Evicted from its bucket while paths through it are open. */
  inFreeList = false;

  /** copy_verifier_state: frames are copied deeply, history is not shared. */
  clone(): VerifierState {
    const copy = new VerifierState();
    for (let i = 0; i <= this.curframe; i++) copy.frame.push((this.frame[i] as FuncState).clone());
    return copy.take(this);
  }

  /**
   * A copy to remember. What it has in common with its parent is shared, so that its registers and slots never change:
   * setPreciseReg() and its like replace them.
   */
  freeze(): VerifierState {
    const copy = new VerifierState();
    for (let i = 0; i <= this.curframe; i++) {
      copy.frame.push((this.frame[i] as FuncState).freeze(this.parent?.frame[i]));
    }
    return copy.take(this);
  }

  /** Shares what a pending state has in common with its parent, until it is run on. */
  share(): void {
    for (let i = 0; i <= this.curframe; i++) (this.frame[i] as FuncState).share(this.parent?.frame[i]);
    this.sharing = true;
  }

  /** Undoes share(). */
  unshare(): void {
    for (let i = 0; i <= this.curframe; i++) this.frame[i] = (this.frame[i] as FuncState).clone();
    this.sharing = false;
  }

  /** Of a remembered state: a register becomes precise. */
  setPreciseReg(f: number, i: number): void {
    const frame = this.ownFrame(f);
    const reg = frame.reg(i).clone();
    reg.precise = true;
    frame.regs[i] = reg;
  }

  /** Of a remembered state: a spilled register becomes precise. */
  setPreciseSlot(f: number, i: number): void {
    const frame = this.ownFrame(f);
    const slot = frame.slot(i).clone();
    slot.spilled.precise = true;
    frame.stack[i] = slot;
  }

  /** Of a remembered state: a register is not read any more. */
  forgetReg(f: number, i: number): void {
    if (this.frame[f]?.regs[i] !== DEAD_REG) this.ownFrame(f).regs[i] = DEAD_REG;
  }

  /** Of a remembered state: a slot is not read any more. */
  forgetSlot(f: number, i: number): void {
    this.ownFrame(f).stack[i] = DEAD_SLOT;
  }

  private ownFrame(f: number): FuncState {
    const own = (this.frame[f] as FuncState).own();
    this.frame[f] = own;
    return own;
  }

  private take(from: VerifierState): this {
    this.curframe = from.curframe;
    this.parent = from.parent;
    this.refs = from.refs.slice();
    this.activeLocks = from.activeLocks;
    this.activePreemptLocks = from.activePreemptLocks;
    this.activeIrqId = from.activeIrqId;
    this.activeLockId = from.activeLockId;
    this.activeLockPtr = from.activeLockPtr;
    this.activeRcuLocks = from.activeRcuLocks;
    this.speculative = from.speculative;
    this.inSleepable = from.inSleepable;
    this.branches = from.branches;
    this.insnIdx = from.insnIdx;
    this.firstInsnIdx = from.firstInsnIdx;
    this.lastInsnIdx = from.lastInsnIdx;
    this.equalState = from.equalState;
    this.jmpHistory = from.jmpHistory.slice();
    this.dfsDepth = from.dfsDepth;
    this.callbackUnrollDepth = from.callbackUnrollDepth;
    this.mayGotoDepth = from.mayGotoDepth;
    return this;
  }

  /** The frame that runs. */
  func(): FuncState {
    return this.frame[this.curframe] as FuncState;
  }
}

/** Calls `visit` for every register and every spilled register of every frame (bpf_for_each_reg_in_vstate). */
export function forEachReg(
  state: VerifierState,
  visit: (reg: RegState, frame: FuncState) => void,
  mask = 1 << STACK_SPILL,
): void {
  for (let f = 0; f <= state.curframe; f++) {
    const frame = state.frame[f] as FuncState;
    for (let i = 0; i < MAX_BPF_REG; i++) visit(frame.regs[i] as RegState, frame);
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.stack[i] as StackSlot;
      if ((1 << slot.slotType(7)) & mask) visit(slot.spilled, frame);
    }
  }
}
