/** What libbpf and BPF_MAP_CREATE make of a map's key and value types (kernel/bpf/syscall.c, map_check_btf). */
import type { Btf } from '../../btf/btf.ts';
import { BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG, type MapType } from '../../uapi/bpf.ts';
import { errno } from '../../uapi/errno.ts';
import {
  BPF_KPTR,
  BPF_KPTR_PERCPU,
  BPF_KPTR_REF,
  BPF_KPTR_UNREF,
  BPF_LIST_HEAD,
  BPF_RB_ROOT,
  BPF_REFCOUNT,
  BPF_RES_SPIN_LOCK,
  BPF_SPIN_LOCK,
  BPF_TASK_WORK,
  BPF_TIMER,
  BPF_UPTR,
  BPF_WORKQUEUE,
  btfParseFields,
  isRecordError,
  type RecordResult,
  Refused,
  refuse,
} from './btf_record.ts';
import { fixupFields, type StructMetas } from './struct_metas.ts';

/** Which map types may hold which fields (map_check_btf). */
const LOCK_MAPS: readonly MapType[] = [
  'hash',
  'array',
  'cgroup_storage',
  'sk_storage',
  'inode_storage',
  'task_storage',
  'cgrp_storage',
];
const TIMER_MAPS: readonly MapType[] = ['hash', 'lru_hash', 'array'];
const KPTR_MAPS: readonly MapType[] = [
  'hash',
  'percpu_hash',
  'lru_hash',
  'lru_percpu_hash',
  'array',
  'percpu_array',
  'sk_storage',
  'inode_storage',
  'task_storage',
  'cgrp_storage',
];
const FIELD_MAPS: ReadonlyMap<number, readonly MapType[]> = new Map([
  [BPF_SPIN_LOCK, LOCK_MAPS],
  [BPF_RES_SPIN_LOCK, LOCK_MAPS],
  [BPF_TIMER, TIMER_MAPS],
  [BPF_WORKQUEUE, TIMER_MAPS],
  [BPF_TASK_WORK, TIMER_MAPS],
  [BPF_KPTR_UNREF, KPTR_MAPS],
  [BPF_KPTR_REF, KPTR_MAPS],
  [BPF_KPTR_PERCPU, KPTR_MAPS],
  [BPF_REFCOUNT, KPTR_MAPS],
  [BPF_UPTR, ['task_storage']],
  [BPF_LIST_HEAD, TIMER_MAPS],
  [BPF_RB_ROOT, TIMER_MAPS],
]);
const MAP_FIELDS =
  BPF_SPIN_LOCK |
  BPF_RES_SPIN_LOCK |
  BPF_TIMER |
  BPF_KPTR |
  BPF_LIST_HEAD |
  BPF_RB_ROOT |
  BPF_REFCOUNT |
  BPF_WORKQUEUE |
  BPF_UPTR |
  BPF_TASK_WORK;

/** Map types for which libbpf passes no BTF to BPF_MAP_CREATE. */
const LIBBPF_NO_BTF: readonly MapType[] = [
  'perf_event_array',
  'cgroup_array',
  'stack_trace',
  'array_of_maps',
  'hash_of_maps',
  'devmap',
  'devmap_hash',
  'cpumap',
  'xskmap',
  'sockmap',
  'sockhash',
  'queue',
  'stack',
  'arena',
  'struct_ops',
];
/** Whether libbpf passes the BTF of key and value when it creates a map of that type. */
export const takesBtf = (type: MapType): boolean => !LIBBPF_NO_BTF.includes(type);

/** Map types whose kernel side refuses any BTF (map_check_no_btf). */
const KERNEL_NO_BTF: readonly MapType[] = ['prog_array', 'cgroup_array', 'perf_event_array'];
/** Map types that take a BTF without a key type. */
const KEYLESS: readonly MapType[] = ['array', 'percpu_array', 'bloom_filter'];

/** What BPF_MAP_CREATE needs to know of a map to judge its BTF. Sizes in bytes, as the map is created. */
export interface MapBtfSpec {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
}

/** What a map knows of its value type. */
export interface MapBtf {
  /** The BTF it was created with; null when it has none, or when the kernel refused it and libbpf went on without. */
  readonly btf: Btf | null;
  /** Why the kernel refused it; 0 when it did not. */
  readonly errno: number;
  /** Special fields of the value. An errno here does not fail the map: its fields just cannot be used. */
  readonly record: RecordResult;
}

const NO_BTF: MapBtf = { btf: null, errno: 0, record: null };

/**
 * What libbpf and the kernel make of a map's key and value types (map_check_btf): the record of its special fields.
 * @param metas - result of btfParseStructMetas on `btf`; pass btf = null when that was an errno
 */
export function mapCheckBtf(map: MapBtfSpec, btf: Btf | null, metas: StructMetas | null, vmlinux: Btf): MapBtf {
  if (!btf || !metas || (map.keyTypeId === 0 && map.valueTypeId === 0)) return NO_BTF;
  if (LIBBPF_NO_BTF.includes(map.type)) return NO_BTF;
  try {
    return { btf, errno: 0, record: checkMapBtf(map, btf, metas, vmlinux) };
  } catch (error) {
    if (error instanceof Refused) return { btf: null, errno: error.code, record: null };
    throw error;
  }
}

function checkMapBtf(map: MapBtfSpec, btf: Btf, metas: StructMetas, vmlinux: Btf): RecordResult {
  const keyId = map.keyTypeId ? sizedType(btf, map.keyTypeId, map.keySize) : 0;
  if (!map.keyTypeId && !KEYLESS.includes(map.type)) refuse(errno.EINVAL);
  const valueId = sizedType(btf, map.valueTypeId, map.valueSize);
  const record = btfParseFields(btf, valueId, MAP_FIELDS, map.valueSize, vmlinux);
  if (record && !isRecordError(record)) {
    if (map.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) refuse(errno.EACCES);
    for (const field of record.fields) {
      if (!FIELD_MAPS.get(field.type)?.includes(map.type)) refuse(errno.EOPNOTSUPP);
    }
    fixupFields(record, metas);
  }
  if (KERNEL_NO_BTF.includes(map.type)) refuse(errno.ENOTSUPP);
  checkKeyType(map, btf, keyId, valueId);
  return record;
}

/** btf_type_id_size: the type below qualifiers when its size is as the map says. */
function sizedType(btf: Btf, id: number, size: number): number {
  if (btf.size(id) !== size) refuse(errno.EINVAL);
  const type = btf.type(id);
  if (type.kind === 'var') return btf.skipMods(type.type);
  return btf.skipMods(id);
}

function checkKeyType(map: MapBtfSpec, btf: Btf, keyId: number, valueId: number): void {
  const key = btf.type(keyId);
  switch (map.type) {
    case 'array':
    case 'percpu_array':
      if (key.kind === 'void') {
        if (map.type !== 'array' || map.maxEntries !== 1 || btf.kind(valueId) !== 'datasec') refuse(errno.EINVAL);
        return;
      }
      break;
    case 'sk_storage':
    case 'inode_storage':
    case 'task_storage':
    case 'cgrp_storage':
      break;
    case 'lpm_trie':
      if (key.kind !== 'struct') refuse(errno.EINVAL);
      return;
    case 'bloom_filter':
      if (key.kind !== 'void') refuse(errno.EINVAL);
      return;
    default:
      return;
  }
  if (key.kind !== 'int' || key.bits !== 32 || key.offset !== 0) refuse(errno.EINVAL);
}
