/** What Btf.type() returns: one shape per BTF kind, told apart by `kind`. */
import type { BtfLinkage } from '../uapi/btf.ts';

interface Base {
  readonly id: number;
  /** Empty when anonymous. */
  readonly name: string;
}

export interface BtfVoid extends Base {
  readonly kind: 'void';
}
export interface BtfInt extends Base {
  readonly kind: 'int';
  /** Bytes. */
  readonly size: number;
  /** BTF_INT_SIGNED, BTF_INT_CHAR, BTF_INT_BOOL. */
  readonly encoding: number;
  readonly bits: number;
  readonly offset: number;
}
/** Pointers, qualifiers, typedefs and type tags: they name one other type. */
export interface BtfRef extends Base {
  readonly kind: 'ptr' | 'const' | 'volatile' | 'restrict' | 'typedef' | 'type_tag';
  readonly type: number;
}
export interface BtfArray extends Base {
  readonly kind: 'array';
  readonly elemType: number;
  readonly indexType: number;
  readonly nelems: number;
}
export interface BtfMember {
  readonly name: string;
  readonly type: number;
  readonly bitOffset: number;
  /** Bits; 0 when the member is no bit field. */
  readonly bitfieldSize: number;
}
export interface BtfStruct extends Base {
  readonly kind: 'struct' | 'union';
  readonly size: number;
  readonly members: readonly BtfMember[];
}
export interface BtfEnum extends Base {
  readonly kind: 'enum' | 'enum64';
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}
export interface BtfFwd extends Base {
  readonly kind: 'fwd';
  readonly fwdKind: 'struct' | 'union';
}
export interface BtfFunc extends Base {
  readonly kind: 'func';
  /** The func_proto. */
  readonly type: number;
  readonly linkage: BtfLinkage;
}
export interface BtfFuncProto extends Base {
  readonly kind: 'func_proto';
  /** Return type; 0 is void. */
  readonly type: number;
  /** A last parameter of type 0 without a name stands for `...`. */
  readonly params: readonly { readonly name: string; readonly type: number }[];
}
export interface BtfVar extends Base {
  readonly kind: 'var';
  readonly type: number;
  readonly linkage: BtfLinkage;
}
export interface BtfDatasec extends Base {
  readonly kind: 'datasec';
  readonly size: number;
  readonly vars: readonly { readonly type: number; readonly offset: number; readonly size: number }[];
}
export interface BtfFloat extends Base {
  readonly kind: 'float';
  readonly size: number;
}
export interface BtfDeclTag extends Base {
  readonly kind: 'decl_tag';
  /** What it is on. */
  readonly type: number;
  /** Member or parameter index; -1 for the whole. */
  readonly componentIdx: number;
}

export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfRef
  | BtfArray
  | BtfStruct
  | BtfEnum
  | BtfFwd
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfFloat
  | BtfDeclTag;
