/** What is known of one register, or of a spilled one (struct bpf_reg_state). */
import type { Btf } from '../btf/btf.ts';
import { NOT_INIT, SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import type { VerifierMap } from './maps.ts';
import { RANGE_UNKNOWN, RANGE_ZERO } from './range.ts';

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
