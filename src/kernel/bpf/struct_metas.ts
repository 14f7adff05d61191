/** Special fields of the structs of a whole BTF (kernel/bpf/btf.c, btf_parse_struct_metas): what BPF_BTF_LOAD checks. */
import type { Btf, BtfStruct } from '../../btf/btf.ts';
import { type Errno, errno } from '../../uapi/errno.ts';
import {
  BPF_KPTR,
  BPF_KPTR_PERCPU,
  BPF_KPTR_REF,
  BPF_LIST_HEAD,
  BPF_LIST_NODE,
  BPF_RB_NODE,
  BPF_RB_ROOT,
  BPF_REFCOUNT,
  BPF_RES_SPIN_LOCK,
  BPF_SPIN_LOCK,
  BPF_UPTR,
  type BtfField,
  type BtfRecord,
  findKptr,
  MAX_RESOLVE_DEPTH,
  parseFields,
  Refused,
  refuse,
} from './btf_record.ts';

const BTF_MAX_OWNERSHIP_DEPTH = 8;
const PAGE_SIZE = 4096;

/** Records of the structs of a BTF that hold special fields, by type id (btf->struct_meta_tab). */
export type StructMetas = ReadonlyMap<number, BtfRecord>;

const LOCAL_FIELDS =
  BPF_SPIN_LOCK |
  BPF_RES_SPIN_LOCK |
  BPF_LIST_HEAD |
  BPF_LIST_NODE |
  BPF_RB_ROOT |
  BPF_RB_NODE |
  BPF_REFCOUNT |
  BPF_KPTR;

/** Structs whose presence in an object's BTF makes the kernel look for structs that hold them. */
const ALLOC_OBJECT_FIELDS = [
  'bpf_spin_lock',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_refcount',
];

/**
 * What BPF_BTF_LOAD does about special fields: the records of all structs that directly hold one, or the errno with which the
 * kernel refuses the whole BTF (libbpf then loads the object without BTF).
 */
export function btfParseStructMetas(btf: Btf, vmlinux: Btf): StructMetas | { readonly errno: Errno } {
  try {
    return structMetas(btf, vmlinux);
  } catch (error) {
    if (error instanceof Refused) return { errno: error.code };
    throw error;
  }
}

function structMetas(btf: Btf, vmlinux: Btf): StructMetas {
  checkTypeTags(btf);
  const special = new Set<number>();
  for (const name of ALLOC_OBJECT_FIELDS) {
    const id = btf.find(name, 'struct');
    if (id) special.add(id);
  }
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    const kind = btf.kind(id);
    if (kind === 'ptr' || kind === 'volatile') {
      // A wrong tag is no error here, only where the pointer is a field.
      try {
        if (findKptr(btf, id, 0, BPF_KPTR)) special.add(id);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    }
  }
  const metas = new Map<number, BtfRecord>();
  if (special.size === 0) return metas;
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    const kind = btf.kind(id);
    if (kind !== 'struct' && kind !== 'union') continue;
    const struct = btf.type(id) as BtfStruct;
    if (!struct.members.some((member) => special.has(member.type))) continue;
    const record = parseFields(btf, id, LOCAL_FIELDS, struct.size, vmlinux);
    if (!record) refuse(errno.EFAULT);
    metas.set(id, record);
  }
  for (const record of metas.values()) fixupFields(record, metas);
  checkOwnershipDepth(metas);
  return metas;
}

/** btf_check_and_fixup_fields: list heads and tree roots learn the record of what they hold; uptrs fit a page. */
export function fixupFields(record: BtfRecord, metas: StructMetas): void {
  for (const field of record.fields) {
    if (field.type === BPF_UPTR && field.kptr) {
      if (field.kptr.kernel) refuse(errno.EINVAL);
      const size = (field.kptr.btf.type(field.kptr.btfId) as BtfStruct).size;
      if (size === 0) refuse(errno.EINVAL);
      if (size > PAGE_SIZE) refuse(errno.E2BIG);
    }
    if (!field.graphRoot) continue;
    const value = metas.get(field.graphRoot.valueBtfId);
    if (!value) refuse(errno.EFAULT);
    field.graphRoot.valueRecord = value;
  }
}

/** Objects that own objects: freeing one must not recurse without end. */
function checkOwnershipDepth(metas: StructMetas): void {
  const depths = new Map<BtfRecord, number>();
  const depthOf = (record: BtfRecord, left: number): number => {
    if (left === 0) refuse(errno.ELOOP);
    const known = depths.get(record);
    if (known !== undefined) {
      if (known > left) refuse(errno.ELOOP);
      return known;
    }
    let deepest = 0;
    for (const field of record.fields) {
      const owned = ownedRecord(field, metas);
      if (owned) deepest = Math.max(deepest, depthOf(owned, left - 1));
    }
    depths.set(record, deepest + 1);
    if (deepest + 1 > left) refuse(errno.ELOOP);
    return deepest + 1;
  };
  for (const record of metas.values()) depthOf(record, BTF_MAX_OWNERSHIP_DEPTH);
}

function ownedRecord(field: BtfField, metas: StructMetas): BtfRecord | undefined {
  if (field.graphRoot) return metas.get(field.graphRoot.valueBtfId);
  if (field.type !== BPF_KPTR_REF && field.type !== BPF_KPTR_PERCPU) return undefined;
  return field.kptr && !field.kptr.kernel ? metas.get(field.kptr.btfId) : undefined;
}

/** btf_check_type_tags: type tags stand before qualifiers. */
function checkTypeTags(btf: Btf): void {
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    let type = btf.type(id);
    let inTags = type.kind === 'type_tag';
    let left = MAX_RESOLVE_DEPTH;
    while (
      type.kind === 'const' ||
      type.kind === 'volatile' ||
      type.kind === 'restrict' ||
      type.kind === 'typedef' ||
      type.kind === 'type_tag'
    ) {
      if (left-- === 0) refuse(errno.ELOOP);
      if (type.kind !== 'type_tag') inTags = false;
      else if (!inTags) refuse(errno.EINVAL);
      type = btf.type(type.type);
    }
  }
}
