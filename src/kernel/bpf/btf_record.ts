/**
 * Special fields of a struct or map value (kernel/bpf/btf.c, btf_parse_fields): locks, timers, kptrs, list and tree roots and
 * nodes, refcounts, found in BTF at any nesting and in arrays. Used for map values (runtime and verifier) and for local
 * types of bpf_obj_new.
 */
import type { Btf, BtfStruct } from '../../btf/btf.ts';
import { type Errno, errno } from '../../uapi/errno.ts';

/** enum btf_field_type. */
export const BPF_SPIN_LOCK = 1 << 0;
export const BPF_TIMER = 1 << 1;
export const BPF_KPTR_UNREF = 1 << 2;
export const BPF_KPTR_REF = 1 << 3;
export const BPF_KPTR_PERCPU = 1 << 4;
export const BPF_KPTR = BPF_KPTR_UNREF | BPF_KPTR_REF | BPF_KPTR_PERCPU;
export const BPF_LIST_HEAD = 1 << 5;
export const BPF_LIST_NODE = 1 << 6;
export const BPF_RB_ROOT = 1 << 7;
export const BPF_RB_NODE = 1 << 8;
export const BPF_GRAPH_NODE = BPF_LIST_NODE | BPF_RB_NODE;
export const BPF_GRAPH_ROOT = BPF_LIST_HEAD | BPF_RB_ROOT;
export const BPF_REFCOUNT = 1 << 9;
export const BPF_WORKQUEUE = 1 << 10;
export const BPF_UPTR = 1 << 11;
export const BPF_RES_SPIN_LOCK = 1 << 12;
export const BPF_TASK_WORK = 1 << 13;

/** Most special fields that one record may have. */
export const BTF_FIELDS_MAX = 11;
export const MAX_RESOLVE_DEPTH = 32;

interface FieldKind {
  readonly type: number;
  /** As messages name it (btf_field_type_name). */
  readonly name: string;
  readonly size: number;
  readonly align: number;
  /** A second one in the same record is E2BIG. */
  readonly unique: boolean;
}

const STRUCT_FIELDS: readonly FieldKind[] = [
  { type: BPF_SPIN_LOCK, name: 'bpf_spin_lock', size: 4, align: 4, unique: true },
  { type: BPF_RES_SPIN_LOCK, name: 'bpf_res_spin_lock', size: 4, align: 4, unique: true },
  { type: BPF_TIMER, name: 'bpf_timer', size: 16, align: 8, unique: true },
  { type: BPF_WORKQUEUE, name: 'bpf_wq', size: 16, align: 8, unique: true },
  { type: BPF_TASK_WORK, name: 'bpf_task_work', size: 8, align: 8, unique: true },
  { type: BPF_LIST_HEAD, name: 'bpf_list_head', size: 16, align: 8, unique: false },
  { type: BPF_LIST_NODE, name: 'bpf_list_node', size: 24, align: 8, unique: false },
  { type: BPF_RB_ROOT, name: 'bpf_rb_root', size: 16, align: 8, unique: false },
  { type: BPF_RB_NODE, name: 'bpf_rb_node', size: 32, align: 8, unique: false },
  { type: BPF_REFCOUNT, name: 'bpf_refcount', size: 4, align: 4, unique: false },
];

const POINTER_FIELDS: readonly FieldKind[] = [
  { type: BPF_KPTR_UNREF, name: 'kptr', size: 8, align: 8, unique: false },
  { type: BPF_KPTR_REF, name: 'kptr', size: 8, align: 8, unique: false },
  { type: BPF_KPTR_PERCPU, name: 'percpu_kptr', size: 8, align: 8, unique: false },
  { type: BPF_UPTR, name: 'uptr', size: 8, align: 8, unique: false },
];

const POINTER_TAGS: Readonly<Record<string, number>> = {
  kptr_untrusted: BPF_KPTR_UNREF,
  kptr: BPF_KPTR_REF,
  percpu_kptr: BPF_KPTR_PERCPU,
  uptr: BPF_UPTR,
};

/** How the kernel's messages name a field type; 'unknown' for anything else. */
export function btfFieldTypeName(type: number): string {
  return (
    STRUCT_FIELDS.find((kind) => kind.type === type)?.name ??
    POINTER_FIELDS.find((kind) => kind.type === type)?.name ??
    'unknown'
  );
}

/** A pointer that a map value or an object owns or borrows. */
export interface KptrField {
  /** The BTF that `btfId` is an id in: the kernel's, or the program's for a type that the kernel does not know. */
  readonly btf: Btf;
  readonly btfId: number;
  /** btf is the kernel's. */
  readonly kernel: boolean;
  /** Kernel function that frees what is left in the field; null for local types and kptrs without reference. */
  readonly dtor: string | null;
}

/** What a list head or tree root holds. */
export interface GraphRoot {
  readonly btf: Btf;
  /** The struct that holds the nodes. */
  readonly valueBtfId: number;
  /** Offset of its node member. */
  readonly nodeOffset: number;
  /** Record of that struct; set once all structs of the BTF are known. */
  valueRecord: BtfRecord | null;
}

export interface BtfField {
  readonly offset: number;
  readonly size: number;
  /** One of the BPF_ field types. */
  readonly type: number;
  readonly kptr: KptrField | null;
  readonly graphRoot: GraphRoot | null;
}

export interface BtfRecord {
  /** Sorted by offset. */
  readonly fields: readonly BtfField[];
  readonly fieldMask: number;
  /** Offsets of the fields that may occur once; -1 where there is none. */
  readonly spinLockOff: number;
  readonly resSpinLockOff: number;
  readonly timerOff: number;
  readonly wqOff: number;
  readonly taskWorkOff: number;
  readonly refcountOff: number;
}

/** The record, or the errno with which the kernel refuses the fields; null: no special field. */
export type RecordResult = BtfRecord | null | { readonly errno: Errno };

/** Whether a result is an errno. */
export function isRecordError(result: RecordResult | undefined): result is { readonly errno: Errno } {
  return result !== null && result !== undefined && 'errno' in result;
}

/** Structs that a program may keep in a referenced kptr, and what frees them. The function has to exist in the kernel's BTF. */
const KPTR_DTORS: Readonly<Record<string, string>> = {
  task_struct: 'bpf_task_release_dtor',
  cgroup: 'bpf_cgroup_release_dtor',
  bpf_cpumask: 'bpf_cpumask_release_dtor',
  bpf_crypto_ctx: 'bpf_crypto_ctx_release_dtor',
  prog_test_ref_kfunc: 'bpf_kfunc_call_test_release_dtor',
  prog_test_member: 'bpf_kfunc_call_memb_release_dtor',
};

/** Thrown inside the walk over a BTF to leave it with an errno; the functions that others call catch it. */
export class Refused extends Error {
  constructor(readonly code: Errno) {
    super();
  }
}

export function refuse(code: Errno): never {
  throw new Refused(code);
}

interface FoundField {
  type: number;
  off: number;
  size: number;
  /** kptr: struct in the object's BTF. */
  typeId: number;
  /** Graph root: name of the node member. */
  nodeName: string;
}

/**
 * btf_parse_fields: the special fields of a struct or data section.
 * @param btf - the object's BTF
 * @param typeId - struct or datasec
 * @param fieldMask - BPF_ field types to look for
 * @param vmlinux - the kernel's BTF, in which kptr types are looked up
 */
export function btfParseFields(
  btf: Btf,
  typeId: number,
  fieldMask: number,
  valueSize: number,
  vmlinux: Btf,
): RecordResult {
  try {
    return parseFields(btf, typeId, fieldMask, valueSize, vmlinux);
  } catch (error) {
    if (error instanceof Refused) return { errno: error.code };
    throw error;
  }
}

/** btfParseFields, leaving by `Refused`. */
export function parseFields(
  btf: Btf,
  typeId: number,
  fieldMask: number,
  valueSize: number,
  vmlinux: Btf,
): BtfRecord | null {
  const found = new FieldWalk(btf, fieldMask).find(typeId);
  if (found.length === 0) return null;
  const fields: BtfField[] = [];
  const once = new Map<number, number>();
  let nextOff = 0;
  let mask = 0;
  for (const field of found) {
    if (field.off + field.size > valueSize) refuse(errno.EFAULT);
    if (field.off < nextOff) refuse(errno.EEXIST);
    nextOff = field.off + field.size;
    mask |= field.type;
    once.set(field.type, field.off);
    fields.push({
      offset: field.off,
      size: field.size,
      type: field.type,
      kptr: field.type & (BPF_KPTR | BPF_UPTR) ? parseKptr(btf, field, vmlinux) : null,
      graphRoot: field.type & BPF_GRAPH_ROOT ? parseGraphRoot(btf, field) : null,
    });
  }
  const offsetOf = (type: number): number => once.get(type) ?? -1;
  const locks = (offsetOf(BPF_SPIN_LOCK) >= 0 ? 1 : 0) + (offsetOf(BPF_RES_SPIN_LOCK) >= 0 ? 1 : 0);
  if (locks === 2) refuse(errno.EINVAL);
  if (mask & BPF_GRAPH_ROOT && locks === 0) refuse(errno.EINVAL);
  if (!(mask & BPF_REFCOUNT) && mask & BPF_LIST_NODE && mask & BPF_RB_NODE) refuse(errno.EINVAL);
  fields.sort((a, b) => a.offset - b.offset);
  return {
    fields,
    fieldMask: mask,
    spinLockOff: offsetOf(BPF_SPIN_LOCK),
    resSpinLockOff: offsetOf(BPF_RES_SPIN_LOCK),
    timerOff: offsetOf(BPF_TIMER),
    wqOff: offsetOf(BPF_WORKQUEUE),
    taskWorkOff: offsetOf(BPF_TASK_WORK),
    refcountOff: offsetOf(BPF_REFCOUNT),
  };
}

/** btf_find_field: walks members, variables, nested structs and arrays in order. */
class FieldWalk {
  private seen = 0;

  constructor(
    private readonly btf: Btf,
    private readonly mask: number,
  ) {}

  find(typeId: number): FoundField[] {
    const type = this.btf.type(typeId);
    if (type.kind === 'struct' || type.kind === 'union') return this.inStruct(type, 0, BTF_FIELDS_MAX);
    if (type.kind !== 'datasec') refuse(errno.EINVAL);
    const found: FoundField[] = [];
    for (const entry of type.vars) {
      const variable = this.btf.type(entry.type);
      if (variable.kind !== 'var') continue;
      const room = BTF_FIELDS_MAX - found.length;
      found.push(...this.one(entry.type, variable.type, -1, entry.offset, entry.size, 0, room));
    }
    return found;
  }

  private inStruct(struct: BtfStruct, level: number, room: number): FoundField[] {
    const found: FoundField[] = [];
    for (const [index, member] of struct.members.entries()) {
      if (member.bitOffset % 8) refuse(errno.EINVAL);
      const off = member.bitOffset / 8;
      found.push(...this.one(struct.id, member.type, index, off, 0, level, room - found.length));
    }
    return found;
  }

  /** One member or variable. `size`: what a data section says it takes, 0 for a member. */
  private one(
    owner: number,
    typeId: number,
    index: number,
    off: number,
    size: number,
    level: number,
    room: number,
  ): FoundField[] {
    let count = 1;
    let depth = 0;
    let type = this.btf.type(typeId);
    for (; depth < MAX_RESOLVE_DEPTH && type.kind === 'array'; depth++) {
      count = (count * type.nelems) >>> 0;
      type = this.btf.type(type.elemType);
    }
    if (depth === MAX_RESOLVE_DEPTH) refuse(errno.E2BIG);
    if (count === 0) return [];
    const isStruct = type.kind === 'struct' || type.kind === 'union';
    const kind = this.fieldKind(type.name, isStruct);
    if (!kind) {
      if (!isStruct) return [];
      const struct = type as BtfStruct;
      if (size && size !== struct.size * count) return [];
      return this.nested(struct, off, count, level, room);
    }
    if (size && size !== kind.size * count) return [];
    if (off % kind.align) return [];
    let field: FoundField | null;
    if (kind.type & (BPF_KPTR | BPF_UPTR)) field = findKptr(this.btf, type.id, off, this.mask);
    else if (!isStruct || (type as BtfStruct).size !== kind.size) field = null;
    else if (kind.type & BPF_GRAPH_ROOT) field = this.graphRoot(owner, index, kind, off);
    else field = { type: kind.type, off, size: kind.size, typeId: 0, nodeName: '' };
    if (!field) return [];
    if (room <= 0) refuse(errno.E2BIG);
    return repeat([field], count, kind.size, room);
  }

  private nested(struct: BtfStruct, off: number, count: number, level: number, room: number): FoundField[] {
    if (level + 1 >= MAX_RESOLVE_DEPTH) refuse(errno.E2BIG);
    const found = this.inStruct(struct, level + 1, room);
    for (const field of found) field.off += off;
    return found.length === 0 ? found : repeat(found, count, struct.size, room);
  }

  private fieldKind(name: string, isStruct: boolean): FieldKind | undefined {
    for (const kind of STRUCT_FIELDS) {
      if (!(this.mask & kind.type) || kind.name !== name) continue;
      if (kind.unique) {
        if (this.seen & kind.type) refuse(errno.E2BIG);
        this.seen |= kind.type;
      }
      return kind;
    }
    return this.mask & (BPF_KPTR | BPF_UPTR) && !isStruct ? POINTER_FIELDS[1] : undefined;
  }

  private graphRoot(owner: number, index: number, kind: FieldKind, off: number): FoundField {
    const tag = 'contains:';
    const tags = this.btf.declTags(owner).filter((t) => t.componentIdx === index && t.name.startsWith(tag));
    const [only] = tags;
    if (!only || tags.length > 1) refuse(errno.EINVAL);
    const value = only.name.slice(tag.length);
    const colon = value.indexOf(':');
    if (colon < 0) refuse(errno.EINVAL);
    const typeId = this.btf.find(value.slice(0, colon), 'struct');
    if (!typeId) refuse(errno.ENOENT);
    const nodeName = value.slice(colon + 1);
    if (!nodeName) refuse(errno.EINVAL);
    return { type: kind.type, off, size: kind.size, typeId, nodeName };
  }
}

/** btf_find_kptr: null when the type is no pointer with a kptr tag. */
export function findKptr(btf: Btf, typeId: number, off: number, mask: number): FoundField | null {
  let type = btf.type(typeId);
  if (type.kind === 'volatile') type = btf.type(type.type);
  if (type.kind !== 'ptr') return null;
  const tag = btf.type(type.type);
  if (tag.kind !== 'type_tag') return null;
  if (btf.kind(tag.type) === 'type_tag') refuse(errno.EINVAL);
  const kind = POINTER_TAGS[tag.name];
  if (!kind) refuse(errno.EINVAL);
  if (!(mask & kind)) return null;
  const target = btf.skipMods(tag.type);
  const targetKind = btf.kind(target);
  if (targetKind !== 'struct' && targetKind !== 'union') refuse(errno.EINVAL);
  return { type: kind, off, size: 8, typeId: target, nodeName: '' };
}

/** btf_repeat_fields: the fields of the first element of an array, for every element. */
function repeat(first: FoundField[], count: number, elementSize: number, room: number): FoundField[] {
  if (count <= 1) return first;
  for (const field of first) {
    if (!(field.type & (BPF_KPTR | BPF_UPTR | BPF_GRAPH_ROOT))) refuse(errno.EINVAL);
  }
  if (first.length * count > room) refuse(errno.E2BIG);
  const all = [...first];
  for (let i = 1; i < count; i++) for (const field of first) all.push({ ...field, off: field.off + i * elementSize });
  return all;
}

function parseKptr(btf: Btf, field: FoundField, vmlinux: Btf): KptrField {
  const target = btf.type(field.typeId);
  const id = vmlinux.find(target.name, target.kind);
  if (!id) return { btf, btfId: field.typeId, kernel: false, dtor: null };
  if (field.type !== BPF_KPTR_REF) return { btf: vmlinux, btfId: id, kernel: true, dtor: null };
  const dtor = KPTR_DTORS[target.name];
  if (!dtor || !vmlinux.find(dtor, 'func')) refuse(errno.ENOENT);
  return { btf: vmlinux, btfId: id, kernel: true, dtor };
}

function parseGraphRoot(btf: Btf, field: FoundField): GraphRoot {
  const struct = btf.type(field.typeId) as BtfStruct;
  const node = field.type === BPF_LIST_HEAD ? 'bpf_list_node' : 'bpf_rb_node';
  let offset = -1;
  for (const member of struct.members) {
    if (member.name !== field.nodeName) continue;
    if (offset >= 0) refuse(errno.EINVAL);
    const type = btf.type(member.type);
    if ((type.kind !== 'struct' && type.kind !== 'union') || type.name !== node) refuse(errno.EINVAL);
    if (member.bitOffset % 64) refuse(errno.EINVAL);
    offset = member.bitOffset / 8;
  }
  if (offset < 0) refuse(errno.ENOENT);
  return { btf, valueBtfId: field.typeId, nodeOffset: offset, valueRecord: null };
}

/** The field of one of the types `mask` at exactly `offset`. */
export function btfRecordFind(record: RecordResult, offset: number, mask: number): BtfField | null {
  if (!record || isRecordError(record) || !(record.fieldMask & mask)) return null;
  for (const field of record.fields) if (field.offset === offset) return field.type & mask ? field : null;
  return null;
}

/** Whether the record has a field of one of the types. */
export function btfRecordHasField(record: RecordResult, mask: number): boolean {
  return record !== null && !isRecordError(record) && (record.fieldMask & mask) !== 0;
}
