/**
 * What a program may read and write of its context, as data: one row a field. The verifier checks accesses against it; engines
 * find in it which loads give packet and socket pointers.
 */
import type { AttachType } from '../bpf.ts';

/** How a field may be accessed: a size in bytes with one of the ACCESS_ flags. */
export type CtxAccess = number;
export const ACCESS_NONE = 0;
/** Any power of two up to the size (bpf_ctx_narrow_access_ok). */
export const ACCESS_NARROW = 0x100;
/** As narrow, and only at the field's start. */
export const ACCESS_START = 0x200;
/** Any aligned access that does not reach past the field. */
export const ACCESS_ANY = 0x400;
/** Besides the rest: 8 bytes, 8-aligned, inside the field (bpf_ctx_wide_access_ok). */
export const ACCESS_WIDE = 0x800;
/** Loads without sign extension only; also applies to the pointer's size. */
export const ACCESS_NO_LDSX = 0x1000;
const SIZE_MASK = 0xff;

/** What a load of the whole field gives instead of a number. */
export type CtxPointer =
  | 'packet'
  | 'packet_meta'
  | 'packet_end'
  | 'sock_common_or_null'
  | 'socket'
  | 'socket_or_null'
  | 'flow_keys'
  | 'tp_buffer'
  | 'nf_hook_state'
  | 'sk_buff';

export interface CtxField {
  readonly name: string;
  readonly off: number;
  /** Bytes; an array's are those of all elements. */
  readonly size: number;
  readonly read: CtxAccess;
  readonly write: CtxAccess;
  readonly pointer?: CtxPointer;
  /** Attach types that know the field; absent: all. */
  readonly attach?: readonly AttachType[];
  /** Attach types that may write it; absent: those that know it. */
  readonly writeAttach?: readonly AttachType[];
}

export interface CtxTable {
  /** C name of the context. */
  readonly struct: string;
  readonly fields: readonly CtxField[];
}

/** A name and its bytes; a name starting with '.' is padding. */
export type Layout = readonly (readonly [name: string, size: number, align?: number])[];

type Rule = Partial<Omit<CtxField, 'name' | 'off' | 'size'>>;

/**
 * Rows of a context with the given layout: each field gets `common` unless `rules` names it; padding gets nothing unless named.
 */
export function ctxTable(
  struct: string,
  layout: Layout,
  common: Rule,
  rules: Readonly<Record<string, Rule>>,
): CtxTable {
  const fields: CtxField[] = [];
  let off = 0;
  for (const [name, size, align = Math.min(size, 4)] of layout) {
    off = Math.ceil(off / align) * align;
    const rule = rules[name] ?? (name.startsWith('.') ? {} : common);
    fields.push({ name, off, size, read: ACCESS_NONE, write: ACCESS_NONE, ...rule });
    off += size;
  }
  return { struct, fields };
}

/** The same table with other rules for some fields. */
export function ctxVariant(table: CtxTable, rules: Readonly<Record<string, Rule>>): CtxTable {
  return { struct: table.struct, fields: table.fields.map((field) => ({ ...field, ...rules[field.name] })) };
}

/** The same table, where only the named fields may be written (as before). */
export function writableOnly(table: CtxTable, names: readonly string[]): CtxTable {
  const fields = table.fields.map((f) => (names.includes(f.name) ? f : { ...f, write: ACCESS_NONE }));
  return { struct: table.struct, fields };
}

/** One field over everything: contexts that are plain memory. */
export function plainCtx(struct: string, start: number, end: number, write: boolean): CtxTable {
  const field = { name: struct, off: start, size: end - start };
  return { struct, fields: [{ ...field, read: ACCESS_ANY, write: write ? ACCESS_ANY : ACCESS_NONE }] };
}

/** The field that an access of `size` bytes at `off` may touch; null when it is not allowed. */
export function ctxAccess(
  table: CtxTable,
  off: number,
  size: number,
  write: boolean,
  signExtend: boolean,
  attach: AttachType | null,
): CtxField | null {
  if (off < 0 || off % size !== 0) return null;
  const field = table.fields.find((f) => off >= f.off && off < f.off + f.size);
  if (!field) return null;
  const allowed = write ? (field.writeAttach ?? field.attach) : field.attach;
  if (allowed && (attach === null || !allowed.includes(attach))) return null;
  const access = write ? field.write : field.read;
  if (access === ACCESS_NONE) return null;
  if (signExtend && access & ACCESS_NO_LDSX) return null;
  const whole = access & SIZE_MASK;
  if (access & ACCESS_ANY) return off + size <= field.off + field.size ? field : null;
  if (access & ACCESS_WIDE && size === 8 && off + 8 <= field.off + field.size) return field;
  if (access & ACCESS_START && off !== field.off) return null;
  if (access & (ACCESS_NARROW | ACCESS_START)) return size <= whole ? field : null;
  return size === whole ? field : null;
}
