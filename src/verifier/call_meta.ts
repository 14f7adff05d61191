/** What is learned of a helper call while its arguments are checked (struct bpf_call_arg_meta). */
import type { Btf } from '../btf/btf.ts';
import type { BtfField } from '../kernel/bpf/btf_record.ts';
import type { VerifierMap } from './maps.ts';

/** Memory that a helper fills: checked as uninitialised, and marked as written after the arguments. */
export interface RawMode {
  /** The memory need not be initialised. */
  rawMode: boolean;
  /** Set by the check: bytes to mark, and the register that points to them. */
  accessSize: number;
  regno: number;
}

export class CallMeta implements RawMode {
  funcId = 0;
  /** Kernel name without `bpf_`, for rules by name. */
  funcName = '';
  pktAccess = false;
  rawMode = false;
  accessSize = 0;
  regno = 0;
  map: VerifierMap | null = null;
  mapUid = 0;
  /** Register whose reference the call releases; 0: none. */
  releaseRegno = 0;
  memSize = 0;
  /** Largest value of the last size argument, which bounds some return values. */
  msizeMax = 0;
  refObjId = 0;
  dynptrId = 0;
  subprogno = 0;
  kptrField: BtfField | null = null;
  retBtf: Btf | null = null;
  retBtfId = 0;
  /** Key of a lookup, where it is a known constant on the stack; -1: not. */
  constMapKey = -1;
}
