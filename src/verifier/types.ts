/**
 * What the verifier knows at one instruction: registers, stack slots, frames, references. Plain classes whose fields change
 * in place, as in include/linux/bpf_verifier.h, with `clone()` where the kernel copies a structure. What is known of a number
 * is a handle into the range domain (range.ts): equal handles mean equal knowledge.
 */
import type { Btf } from '../btf/btf.ts';
import { NOT_INIT, SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import type { VerifierMap } from './maps.ts';
import { RANGE_UNKNOWN, RANGE_ZERO } from './range.ts';

export const MAX_BPF_REG = 11;
export const MAX_BPF_STACK = 512;
export const BPF_REG_SIZE = 8;
/** As many frames as any release allows; Env.maxCallFrames is what holds. */
export const MAX_CALL_FRAMES = 16;
export const BPF_COMPLEXITY_LIMIT_INSNS = 1_000_000;
export const BPF_COMPLEXITY_LIMIT_JMP_SEQ = 8192;
export const BPF_MAX_SUBPROGS = 256;
export const BPF_MAX_VAR_OFF = 1 << 29;
export const BPF_MAX_VAR_SIZ = 1 << 29;
/** Flags in RegState.id of linked scalars: `off` is the delta to the others, added in 64 or in 32 bits. */
export const BPF_ADD_CONST64 = 1 << 30;
export const BPF_ADD_CONST32 = 1 << 29;
export const BPF_ADD_CONST = BPF_ADD_CONST64 | BPF_ADD_CONST32;

/** enum bpf_iter_state. */
export const BPF_ITER_STATE_INVALID = 0;
export const BPF_ITER_STATE_ACTIVE = 1;
export const BPF_ITER_STATE_DRAINED = 2;

/** enum bpf_dynptr_type. */
export const BPF_DYNPTR_TYPE_INVALID = 0;
export const BPF_DYNPTR_TYPE_LOCAL = 1;
export const BPF_DYNPTR_TYPE_RINGBUF = 2;
export const BPF_DYNPTR_TYPE_SKB = 3;
export const BPF_DYNPTR_TYPE_XDP = 4;
export const BPF_DYNPTR_TYPE_SKB_META = 5;

/** RegState.pktRange of a PTR_TO_PACKET that is known to lie at or past the end. */
export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;

/** RegState.subregDef: the register is not a 32-bit definition. */
export const DEF_NOT_SUBREG = 0;

/** struct bpf_reg_state. The fields of the kernel's union are apart here; every mark function resets all of them. */
export class RegState {
  /** Base type and flags of include/linux/bpf.h (kernel/bpf/bpf.ts). */
  type = NOT_INIT;
  /** Fixed part of a pointer's offset, or the delta between linked scalars. s32 */
  off = 0;
  /** Handle of the value (scalar) or of the variable part of the offset (pointer). */
  val = RANGE_ZERO;
  /** Link between registers that share a value, a NULL check or a packet offset; 0: none. */
  id = 0;
  /** Reference this pointer holds or was derived from; 0: none. */
  refObjId = 0;
  /** PTR_TO_STACK: the frame pointed into. */
  frameno = 0;
  /** Instruction + 1 that defined the low half; 0: DEF_NOT_SUBREG. */
  subregDef = 0;
  /** Scalars: bounds matter to safety. */
  precise = false;
  /** PTR_TO_PACKET and PTR_TO_PACKET_META: bytes known to be accessible. */
  pktRange = 0;
  /** CONST_PTR_TO_MAP, PTR_TO_MAP_VALUE, PTR_TO_MAP_KEY. */
  map: VerifierMap | null = null;
  /** Distinguishes lookups of inner maps. */
  mapUid = 0;
  /** PTR_TO_BTF_ID, and iterator slots (struct bpf_iter_X). */
  btf: Btf | null = null;
  btfId = 0;
  /** PTR_TO_MEM: bytes. */
  memSize = 0;
  /** PTR_TO_MEM that is a dynptr's slice: id of the dynptr. */
  dynptrId = 0;
  /** Dynptr stack slots and CONST_PTR_TO_DYNPTR. */
  dynptrType = BPF_DYNPTR_TYPE_INVALID;
  dynptrFirstSlot = false;
  /** Iterator stack slots. */
  iterState = BPF_ITER_STATE_INVALID;
  iterDepth = 0;
  /** IRQ flag stack slots: which family of kfuncs saved it (irq.kfunc_class). */
  irqKfuncClass = 0;
  /** PTR_TO_FUNC. */
  subprogno = 0;

  clone(): RegState {
    return new RegState().assign(this);
  }

  /** Copies every field of `from`. */
  assign(from: RegState): this {
    this.type = from.type;
    this.off = from.off;
    this.val = from.val;
    this.id = from.id;
    this.refObjId = from.refObjId;
    this.frameno = from.frameno;
    this.subregDef = from.subregDef;
    this.precise = from.precise;
    return this.assignUnion(from);
  }

  /** Is every field the same? */
  equals(other: RegState): boolean {
    return (
      this.type === other.type &&
      this.val === other.val &&
      this.off === other.off &&
      this.id === other.id &&
      this.refObjId === other.refObjId &&
      this.frameno === other.frameno &&
      this.subregDef === other.subregDef &&
      this.precise === other.precise &&
      this.equalUnion(other)
    );
  }

  equalUnion(other: RegState): boolean {
    return (
      this.pktRange === other.pktRange &&
      this.map === other.map &&
      this.mapUid === other.mapUid &&
      this.btf === other.btf &&
      this.btfId === other.btfId &&
      this.memSize === other.memSize &&
      this.dynptrId === other.dynptrId &&
      this.dynptrType === other.dynptrType &&
      this.dynptrFirstSlot === other.dynptrFirstSlot &&
      this.iterState === other.iterState &&
      this.iterDepth === other.iterDepth &&
      this.irqKfuncClass === other.irqKfuncClass &&
      this.subprogno === other.subprogno
    );
  }

  /** Copies the fields that are a union in the kernel: what the pointer points to. */
  assignUnion(from: RegState): this {
    this.pktRange = from.pktRange;
    this.map = from.map;
    this.mapUid = from.mapUid;
    this.btf = from.btf;
    this.btfId = from.btfId;
    this.memSize = from.memSize;
    this.dynptrId = from.dynptrId;
    this.dynptrType = from.dynptrType;
    this.dynptrFirstSlot = from.dynptrFirstSlot;
    this.iterState = from.iterState;
    this.iterDepth = from.iterDepth;
    this.irqKfuncClass = from.irqKfuncClass;
    this.subprogno = from.subprogno;
    return this;
  }

  /** memset(&reg->raw, 0): forgets what the pointer points to. */
  clearUnion(): this {
    this.pktRange = 0;
    this.map = null;
    this.mapUid = 0;
    this.btf = null;
    this.btfId = 0;
    this.memSize = 0;
    this.dynptrId = 0;
    this.dynptrType = 0;
    this.dynptrFirstSlot = false;
    this.iterState = 0;
    this.iterDepth = 0;
    this.irqKfuncClass = 0;
    this.subprogno = 0;
    return this;
  }

  /** All fields as in a fresh register, subregDef and frameno kept, as mark functions of the kernel do. */
  private reset(type: number, val: number): this {
    this.type = type;
    this.val = val;
    this.off = 0;
    this.id = 0;
    this.refObjId = 0;
    this.precise = false;
    return this.clearUnion();
  }

  /** __mark_reg_known: the scalar constant of this handle. */
  markKnown(val: number): this {
    return this.reset(SCALAR_VALUE, val);
  }

  /** __mark_reg_const_zero. */
  markKnownZero(): this {
    return this.reset(SCALAR_VALUE, RANGE_ZERO);
  }

  /** __mark_reg_unknown_imprecise. */
  markUnknown(): this {
    this.reset(SCALAR_VALUE, RANGE_UNKNOWN);
    this.frameno = 0;
    return this;
  }

  /** __mark_reg_not_init. */
  markNotInit(): this {
    this.markUnknown();
    this.type = NOT_INIT;
    return this;
  }

  /** A pointer of `type` with offset 0 and nothing else known (mark_reg_known_zero, then type). */
  markPointer(type: number): this {
    return this.reset(type, RANGE_ZERO);
  }
}

/** A register without a value, shared by all states that are only compared with. */
export const DEAD_REG = new RegState().markNotInit();

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
const DEAD_SLOT = new StackSlot();
DEAD_SLOT.spilled = DEAD_REG;
const ALL_BYTES = 0o11111111;

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
