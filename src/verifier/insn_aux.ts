/**
 * What is remembered of each instruction (struct bpf_insn_aux_data): arrays for what any may have, since a program may have a
 * million, and objects for the few that name a map, a variable of the kernel or a type.
 */
import type { VerifierMap } from './maps.ts';

/** Processed at least once. */
export const SEEN = 1 << 0;
export const PRUNE_POINT = 1 << 1;
export const JMP_POINT = 1 << 2;
export const FORCE_CHECKPOINT = 1 << 3;
export const CALLS_CALLBACK = 1 << 4;
export const IS_ITER_NEXT = 1 << 5;
/** Target of a jump or call. */
export const JUMP_TARGET = 1 << 6;
export const FASTCALL_PATTERN = 1 << 7;
/** A barrier before it, or after it, ends the paths that only a mispredicting CPU goes. */
export const NOSPEC = 1 << 8;
export const NOSPEC_RESULT = 1 << 9;

export class InsnAux {
  /** ld_imm64 of a map: index in Env.maps, and offset for map values. */
  mapIndex = -1;
  mapOff = 0;
  /** ld_imm64 of BTF variables: register type, and either a struct's id or a size. */
  btfVarType = 0;
  btfVarId = 0;
  btfVarMemSize = 0;
  /** Map argument of a helper: null when not seen, 'poison' when paths disagree. */
  mapPtr: VerifierMap | 'poison' | null = null;
  /** Constant key of a lookup; -1n not constant, null not seen. */
  mapKey: bigint | 'poison' | null = null;
  /** bpf_loop's callback, to decide inlining. */
  loopInline: { fit: boolean; callbackSubprogno: number } | null = null;
  /** bpf_obj_new and friends: size of the type, its id, and offset of the node field. */
  objNewSize = 0;
  kptrStructId = 0;
  insertOff = 0;
}

export class InsnAuxTable {
  private readonly flags: Uint16Array;
  /** Registers that are read on some path from here, as a bit mask (compute_live_registers). */
  readonly liveRegsBefore: Uint16Array;
  /** Strongly connected component; 0: in no loop. */
  readonly scc: Int32Array;
  /** Load or store through a pointer of this type; two paths may not disagree (save_aux_ptr_type). */
  readonly ptrType: Int32Array;
  readonly fastcallSpillsNum: Uint8Array;
  /** How offsets are masked here, and how wide the mask is (sanitize.ts); 0: not seen. */
  readonly aluState: Uint8Array;
  readonly aluLimit: Int32Array;
  private readonly rest = new Map<number, InsnAux>();

  constructor(count: number) {
    this.flags = new Uint16Array(count);
    this.liveRegsBefore = new Uint16Array(count);
    this.scc = new Int32Array(count);
    this.ptrType = new Int32Array(count);
    this.fastcallSpillsNum = new Uint8Array(count);
    this.aluState = new Uint8Array(count);
    this.aluLimit = new Int32Array(count);
  }

  /** Does instruction `i` have the flag? */
  has(i: number, flag: number): boolean {
    return ((this.flags[i] as number) & flag) !== 0;
  }

  add(i: number, flags: number): void {
    this.flags[i] = (this.flags[i] as number) | flags;
  }

  drop(i: number, flags: number): void {
    this.flags[i] = (this.flags[i] as number) & ~flags;
  }

  /** The rest of what is remembered of `i`, to be written. */
  of(i: number): InsnAux {
    let aux = this.rest.get(i);
    if (!aux) {
      aux = new InsnAux();
      this.rest.set(i, aux);
    }
    return aux;
  }

  /** The same, where there is any. */
  find(i: number): InsnAux | undefined {
    return this.rest.get(i);
  }
}
