/**
 * A program as BPF_PROG_LOAD gets it: relocated against a kernel's BTF, with its maps named by index. The verifier reads
 * it, the live engine hands it to bpf(2) after putting map fds in place of the indexes.
 */
import type { Btf } from '../btf/btf.ts';
import type { FuncSpec, LineSpec, MapSpec } from '../loader/spec.ts';
import type { AttachType, ProgType } from '../uapi/bpf.ts';

export interface KernelProgram {
  readonly object: string;
  readonly name: string;
  readonly section: string;
  readonly type: ProgType;
  readonly attachType: AttachType | null;
  readonly attachTo: string | null;
  /** vmlinux BTF id of what it attaches to (tracepoint typedef, function, struct_ops struct); 0 where none. */
  readonly attachBtfId: number;
  /** struct_ops: index of the member; 0 otherwise. */
  readonly structOpsMember: number;
  readonly flags: number;
  readonly license: string;
  /**
   * CO-RE applied. ld_imm64 with BPF_PSEUDO_MAP_IDX and BPF_PSEUDO_MAP_IDX_VALUE index `maps`; BPF_PSEUDO_BTF_ID and
   * BPF_PSEUDO_KFUNC_CALL carry vmlinux BTF ids; a call of an absent weak kfunc is a call of helper 2002000000 + index of the
   * extern, as libbpf 1.8 leaves it, and an instruction whose CO-RE relocation failed one of helper 195896080.
   */
  readonly insns: Uint8Array;
  readonly maps: readonly MapSpec[];
  readonly funcs: readonly FuncSpec[];
  readonly lines: readonly LineSpec[];
  /** The object's BTF (as loaded with BPF_BTF_LOAD); null when it has none. */
  readonly btf: Btf | null;
  /** Instructions that a CO-RE field relocation touched; loads among them may be reads of kernel memory. */
  readonly coreInsns: ReadonlySet<number>;
}
