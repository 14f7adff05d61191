/** Parameters of a kfunc as its BTF states them: types, and what the suffixes of their names ask for. */
import type { Btf, BtfFuncProto, BtfType } from '../btf/btf.ts';

/** Structs that mark an argument as something other than plain memory. */
export type SpecialStruct =
  | 'bpf_dynptr'
  | 'bpf_list_head'
  | 'bpf_list_node'
  | 'bpf_rb_root'
  | 'bpf_rb_node'
  | 'bpf_wq'
  | 'bpf_task_work'
  | 'bpf_res_spin_lock';

const SPECIAL: ReadonlySet<string> = new Set<SpecialStruct>([
  'bpf_dynptr',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_wq',
  'bpf_task_work',
  'bpf_res_spin_lock',
]);

const SUFFIXES = [
  'ign',
  'k',
  'sz',
  'szk',
  'opt',
  'nullable',
  'alloc',
  'refcounted_kptr',
  'uninit',
  'map',
  'str',
  'irq_flag',
  'iter',
  'prog',
  'aux',
] as const;
export type Suffix = (typeof SUFFIXES)[number];

export interface KfuncParam {
  readonly name: string;
  /** Below typedefs and qualifiers: a number, a pointer, or something that no kfunc takes. */
  readonly kind: 'scalar' | 'ptr' | 'other';
  readonly typeId: number;
  /** Bytes of a scalar. */
  readonly size: number;
  readonly suffix: Suffix | null;
  /** What a pointer points to, as named, and below typedefs and qualifiers. */
  readonly target: number;
  readonly refId: number;
  readonly special: SpecialStruct | null;
  /** Pointer to a function. */
  readonly isCallback: boolean;
}

export interface KfuncProto {
  readonly params: readonly KfuncParam[];
  /** Return type below typedefs and qualifiers. */
  readonly returnType: BtfType;
}

const protos = new WeakMap<Btf, Map<number, KfuncProto>>();

/**
 * The prototype of a FUNC_PROTO, decoded once. `text`: the C prototype of the release, where the BTF is another release's and its
 * structs may differ.
 */
export function kfuncProto(btf: Btf, protoId: number, text: string | null = null): KfuncProto {
  const proto = decodeProto(btf, protoId);
  return text === null ? proto : { ...proto, params: retarget(btf, proto.params, text) };
}

/** Parameters whose pointers point to the structs that `text` names. */
function retarget(btf: Btf, params: readonly KfuncParam[], text: string): KfuncParam[] {
  const declared = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')).split(',');
  return params.map((param, i) => {
    const name = /struct (\w+) \*/.exec(declared[i] ?? '')?.[1];
    const id = name === undefined || name === btf.name(param.refId) ? 0 : btf.find(name, 'struct');
    return id ? { ...param, target: id, refId: id } : param;
  });
}

function decodeProto(btf: Btf, protoId: number): KfuncProto {
  let known = protos.get(btf);
  if (!known) {
    known = new Map();
    protos.set(btf, known);
  }
  let proto = known.get(protoId);
  if (!proto) {
    const type = btf.type(protoId) as BtfFuncProto;
    proto = {
      params: type.params.map((param) => decode(btf, param.name, param.type)),
      returnType: btf.type(btf.skipMods(type.type)),
    };
    known.set(protoId, proto);
  }
  return proto;
}

function decode(btf: Btf, name: string, typeId: number): KfuncParam {
  const id = btf.skipMods(typeId);
  const type = btf.type(id);
  const target = type.kind === 'ptr' ? type.type : 0;
  const refId = type.kind === 'ptr' ? btf.skipMods(target) : 0;
  const refName = btf.name(refId);
  const refKind = btf.kind(refId);
  return {
    name,
    kind: type.kind === 'ptr' ? 'ptr' : isScalar(type) ? 'scalar' : 'other',
    typeId: id,
    size: 'size' in type ? type.size : 8,
    suffix: SUFFIXES.find((suffix) => name.endsWith(`__${suffix}`)) ?? null,
    target,
    refId,
    special: refKind === 'struct' && SPECIAL.has(refName) ? (refName as SpecialStruct) : null,
    isCallback: refKind === 'func_proto',
  };
}

/** btf_type_is_scalar */
export function isScalar(type: BtfType): boolean {
  return type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64';
}

/** btf_type_str: a kind as messages name it. */
export function btfTypeStr(type: BtfType): string {
  return type.kind === 'void' ? 'UNKNOWN' : type.kind.toUpperCase();
}
