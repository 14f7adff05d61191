/**
 * What the loader makes of an object file: the same bytes always give the same ObjectSpec. Nothing here depends on a
 * kernel, a CPU count or the contents of a map; those enter when a machine loads it.
 */
import type { Btf } from '../btf/btf.ts';
import type { AttachType, MapType, ProgType } from '../uapi/bpf.ts';

export interface ObjectSpec {
  /** What errors call the file. */
  readonly file: string;
  /** File name without directories and without `.bpf.o` or `.o`. */
  readonly name: string;
  /** Content of the `license` section; empty when the object has none. */
  readonly license: string;
  /** The object's own BTF; null when it has none. */
  readonly btf: Btf | null;
  /** BTF-defined, legacy and data-section maps, in libbpf's order of creation. */
  readonly maps: readonly MapSpec[];
  readonly programs: readonly ProgramSpec[];
  /** Functions and variables that a kernel has to provide. */
  readonly externs: readonly ExternSpec[];
  /** Initial contents of struct_ops maps: kept, so that a machine can refuse them by name. */
  readonly structOps: readonly StructOpsSpec[];
}

export interface MapSpec {
  readonly name: string;
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  /** As the object states it: 0 stays 0 until a machine decides (per-CPU sized types). */
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly numaNode: number | null;
  readonly pinning: 'none' | 'byName';
  /** Type ids in the object's BTF; 0 where unknown. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** Set for .data, .rodata, .bss, .kconfig and their named variants, and for an arena with initial contents. */
  readonly section: DataSection | null;
  /** Template for maps of maps. */
  readonly inner: MapSpec | null;
  /** Initial slots of prog_array and maps of maps: index -> name of the program or map. */
  readonly values: readonly { readonly index: number; readonly name: string }[];
}

export interface DataSection {
  readonly kind: 'data' | 'rodata' | 'bss' | 'kconfig' | 'arena';
  /** `.bss.MASK`; libbpf's map name is derived from it and is MapSpec.name. */
  readonly sectionName: string;
  readonly data: Uint8Array;
  readonly variables: readonly VariableSpec[];
}

export interface VariableSpec {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Type id in the object's BTF; 0 where unknown. */
  readonly typeId: number;
  readonly linkage: 'static' | 'global' | 'weak';
}

export interface ProgramSpec {
  /** Function name. */
  readonly name: string;
  /** ELF section, as written in SEC(). */
  readonly section: string;
  readonly type: ProgType;
  readonly attachType: AttachType | null;
  /** What SEC() names after the slash: a tracepoint, a function, a struct_ops member; null when it names nothing. */
  readonly attachTo: string | null;
  /** prog_flags that the section implies (BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS). */
  readonly flags: number;
  /** `?` before the section name: libbpf does not load it unless asked. */
  readonly autoload: boolean;
  /**
   * 8 bytes an instruction, little endian: the program, then each subprogram it needs, appended in libbpf's order with
   * calls between them resolved. Relocations below have not been applied.
   */
  readonly insns: Uint8Array;
  /** One row a function in `insns`, sorted by insn; the first is the program itself. */
  readonly funcs: readonly FuncSpec[];
  readonly lines: readonly LineSpec[];
  readonly relocations: readonly Relocation[];
  readonly coreRelocations: readonly CoreRelocation[];
}

export interface FuncSpec {
  readonly name: string;
  readonly insn: number;
  readonly insnCount: number;
  /** BTF_KIND_FUNC id in the object's BTF; 0 where unknown. */
  readonly typeId: number;
  readonly linkage: 'static' | 'global';
}

export interface LineSpec {
  readonly insn: number;
  readonly file: string;
  /** Offsets in the BTF string section, as the kernel wants them back. */
  readonly fileOff: number;
  readonly lineOff: number;
  /** Source text of the line, as the compiler stored it. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** What an instruction of a program refers to; `insn` is an index into ProgramSpec.insns. */
export type Relocation =
  /** ld_imm64 of a map's address. */
  | { readonly kind: 'map'; readonly insn: number; readonly map: number }
  /** ld_imm64 of an address inside a data section's map: offset within its value. */
  | { readonly kind: 'mapValue'; readonly insn: number; readonly map: number; readonly offset: number }
  /** ld_imm64 of a static callback: the target is an instruction of the same program. */
  | { readonly kind: 'subprog'; readonly insn: number; readonly target: number }
  /** Call of a kfunc. */
  | { readonly kind: 'kfunc'; readonly insn: number; readonly extern: number }
  /** ld_imm64 of a kernel variable or of a kfunc's address (bpf_ksym_exists). */
  | { readonly kind: 'ksym'; readonly insn: number; readonly extern: number }
  /** ld_imm64 of a .kconfig variable. */
  | { readonly kind: 'kconfig'; readonly insn: number; readonly extern: number; readonly map: number };

export interface CoreRelocation {
  readonly insn: number;
  /** Root type id in the object's BTF. */
  readonly typeId: number;
  /** "0:1:2" as the compiler wrote it. */
  readonly access: string;
  /** enum bpf_core_relo_kind. */
  readonly kind: number;
  /** Number of the relocation in its section, which libbpf's messages name. */
  readonly index: number;
}

export interface ExternSpec {
  readonly name: string;
  readonly kind: 'kfunc' | 'ksym' | 'kconfig';
  readonly weak: boolean;
  /** BTF id of the FUNC or VAR in the object's BTF; 0 for an untyped ksym. */
  readonly typeId: number;
  /** Type that the kernel's must fit: a function's prototype, a variable's type without modifiers; 0 when untyped. */
  readonly wantedType: number;
  /** kconfig only: place in the .kconfig map's value. */
  readonly offset: number;
  readonly size: number;
  /** kconfig only: what values it takes. */
  readonly kconfig: { readonly kind: 'bool' | 'char' | 'int' | 'tristate' | 'string'; readonly signed: boolean } | null;
}

export interface StructOpsSpec {
  /** Variable name, which is the map's name. */
  readonly name: string;
  readonly section: '.struct_ops' | '.struct_ops.link';
  /** `?` before the section name: libbpf does not create it unless asked. */
  readonly autocreate: boolean;
  /** Type id of the struct in the object's BTF. */
  readonly typeId: number;
  readonly data: Uint8Array;
  /** Members that point to programs: byte offset -> program name. */
  readonly programs: readonly { readonly offset: number; readonly program: string }[];
}
