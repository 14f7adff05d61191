/** Numbers of include/uapi/linux/btf.h. */

export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;
export const BTF_HEADER_SIZE = 24;
/** Size of struct btf_type, which every record starts with. */
export const BTF_TYPE_SIZE = 12;

/** BTF_KIND_ names, index = number. */
const BTF_KINDS = [
  'void',
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'fwd',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'func_proto',
  'var',
  'datasec',
  'float',
  'decl_tag',
  'type_tag',
  'enum64',
] as const;
export type BtfKind = (typeof BTF_KINDS)[number];
export const btfKinds: readonly BtfKind[] = BTF_KINDS;

/** BTF_KIND_ numbers by name: `BTF_KIND.struct` is 4. */
export const BTF_KIND = Object.fromEntries(BTF_KINDS.map((name, number) => [name, number])) as Readonly<
  Record<BtfKind, number>
>;

/** Bits of BtfInt.encoding. */
export const BTF_INT_SIGNED = 1 << 0;
export const BTF_INT_CHAR = 1 << 1;
export const BTF_INT_BOOL = 1 << 2;

/** Linkage of functions and variables, index = number. */
const LINKAGES = ['static', 'global', 'extern'] as const;
export type BtfLinkage = (typeof LINKAGES)[number];
export const btfLinkages: readonly BtfLinkage[] = LINKAGES;

/** What follows struct btf_type, by kind: a fixed part and a part for each of `vlen` entries, in bytes. */
export const btfRecordSize: readonly { readonly fixed: number; readonly each: number }[] = [
  { fixed: 0, each: 0 },
  { fixed: 4, each: 0 },
  { fixed: 0, each: 0 },
  { fixed: 12, each: 0 },
  { fixed: 0, each: 12 },
  { fixed: 0, each: 12 },
  { fixed: 0, each: 8 },
  { fixed: 0, each: 0 },
  { fixed: 0, each: 0 },
  { fixed: 0, each: 0 },
  { fixed: 0, each: 0 },
  { fixed: 0, each: 0 },
  { fixed: 0, each: 0 },
  { fixed: 0, each: 8 },
  { fixed: 4, each: 0 },
  { fixed: 0, each: 12 },
  { fixed: 0, each: 0 },
  { fixed: 4, each: 0 },
  { fixed: 0, each: 0 },
  { fixed: 0, each: 12 },
];

/** References that resolving a type follows at most (libbpf MAX_RESOLVE_DEPTH). */
export const BTF_MAX_RESOLVE_DEPTH = 32;
