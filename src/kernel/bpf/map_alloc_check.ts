/** Sizes and flags that BPF_MAP_CREATE takes, by map type (each type's map_alloc_check); what no type allows is EINVAL. */
import {
  BPF_F_MMAPABLE,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
  type MapType,
} from '../../uapi/bpf.ts';
import { type Errno, errno } from '../../uapi/errno.ts';

const BPF_F_NUMA_NODE = 1 << 2;
const BPF_F_STACK_BUILD_ID = 1 << 5;
const BPF_F_CLONE = 1 << 9;
const BPF_F_PRESERVE_ELEMS = 1 << 11;
const BPF_F_INNER_MAP = 1 << 12;
const BPF_F_LINK = 1 << 13;
const BPF_F_VTYPE_BTF_OBJ_FD = 1 << 15;
const BPF_F_SEGV_ON_FAULT = 1 << 17;
const BPF_F_NO_USER_CONV = 1 << 18;
const BPF_F_RB_OVERWRITE = 1 << 19;
const ACCESS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

/** Largest kmalloc, less than a page order; largest value of a local storage; unit of per-CPU allocation. */
const KMALLOC_MAX_SIZE = 4 << 20;
const HTAB_ELEM = 48;
const LOCAL_STORAGE_MAX = 65535 - 64;
const PCPU_MIN_UNIT_SIZE = 32 << 10;
const PAGE_SIZE = 4096;

/** What is checked of a map. Sizes in bytes. */
export interface MapAttr {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  readonly inner: object | null;
}

type Check = (map: MapAttr) => Errno | 0;

/** EINVAL unless all hold. */
const all = (...conditions: boolean[]): Errno | 0 => (conditions.every(Boolean) ? 0 : errno.EINVAL);
const flagsWithin = (map: MapAttr, allowed: number): boolean => (map.flags & ~allowed) === 0;
const isPowerOfTwo = (n: number): boolean => n > 0 && Number.isInteger(Math.log2(n));

const array: Check = (map) => {
  const allowed = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | ACCESS | BPF_F_PRESERVE_ELEMS | BPF_F_INNER_MAP;
  const onlyArray = map.type === 'array' || !(map.flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP));
  const preserve = map.type === 'perf_event_array' || !(map.flags & BPF_F_PRESERVE_ELEMS);
  const numa = map.type !== 'percpu_array' || !(map.flags & BPF_F_NUMA_NODE);
  const bad = all(
    map.maxEntries > 0,
    map.keySize === 4,
    map.valueSize > 0,
    flagsWithin(map, allowed),
    onlyArray,
    preserve,
    numa,
  );
  if (bad) return bad;
  const percpuTooLarge = map.type === 'percpu_array' && Math.ceil(map.valueSize / 8) * 8 > PCPU_MIN_UNIT_SIZE;
  return map.valueSize > 0x7fffffff || percpuTooLarge ? errno.E2BIG : 0;
};

const fdArray: Check = (map) =>
  all(map.valueSize === 4, !(map.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))) || array(map);

const hash: Check = (map) => {
  const lru = map.type === 'lru_hash' || map.type === 'lru_percpu_hash';
  const percpu = map.type === 'percpu_hash' || map.type === 'lru_percpu_hash';
  const allowed = BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | ACCESS | BPF_F_ZERO_SEED;
  const lruFlags = lru || !(map.flags & BPF_F_NO_COMMON_LRU);
  const numa = !(percpu || map.flags & BPF_F_NO_COMMON_LRU) || !(map.flags & BPF_F_NUMA_NODE);
  const bad = all(flagsWithin(map, allowed), lruFlags, numa);
  if (bad) return bad;
  if (lru && map.flags & BPF_F_NO_PREALLOC) return errno.ENOTSUPP;
  const empty = all(map.maxEntries > 0, map.keySize > 0, map.valueSize > 0);
  if (empty) return empty;
  const percpuTooLarge = percpu && Math.ceil(map.valueSize / 8) * 8 > PCPU_MIN_UNIT_SIZE;
  return map.keySize + map.valueSize >= KMALLOC_MAX_SIZE - HTAB_ELEM || percpuTooLarge ? errno.E2BIG : 0;
};

const localStorage: Check = (map) => {
  const flags = (map.flags & BPF_F_NO_PREALLOC) !== 0 && flagsWithin(map, BPF_F_NO_PREALLOC | BPF_F_CLONE);
  const sizes = map.maxEntries === 0 && map.keySize === 4 && map.valueSize > 0;
  const bad = all(flags, sizes, map.keyTypeId > 0, map.valueTypeId > 0);
  return bad || (map.valueSize > LOCAL_STORAGE_MAX ? errno.E2BIG : 0);
};

const ringbuf: Check = (map) => {
  const overwrite = map.type === 'ringbuf' ? BPF_F_RB_OVERWRITE : 0;
  const pages = isPowerOfTwo(map.maxEntries) && map.maxEntries % PAGE_SIZE === 0;
  return all(flagsWithin(map, BPF_F_NUMA_NODE | overwrite), map.keySize === 0, map.valueSize === 0, pages);
};

const queue: Check = (map) => {
  const bad = all(map.maxEntries > 0, map.keySize === 0, map.valueSize > 0, flagsWithin(map, BPF_F_NUMA_NODE | ACCESS));
  return bad || (map.valueSize > KMALLOC_MAX_SIZE ? errno.E2BIG : 0);
};

const fdMap =
  (...values: number[]): Check =>
  (map) =>
    all(map.maxEntries > 0, map.keySize === 4, values.includes(map.valueSize));

const cgroupStorage: Check = (map) => {
  if (map.keySize !== 8 && map.keySize !== 16) return errno.EINVAL;
  return all(map.valueSize > 0, flagsWithin(map, BPF_F_NUMA_NODE | ACCESS), map.maxEntries === 0);
};

const CHECKS: Readonly<Record<MapType, Check>> = {
  unspec: () => errno.EINVAL,
  hash,
  array,
  prog_array: fdArray,
  perf_event_array: fdArray,
  percpu_hash: hash,
  percpu_array: array,
  stack_trace: (map) =>
    all(
      flagsWithin(map, BPF_F_NUMA_NODE | ACCESS | BPF_F_STACK_BUILD_ID),
      map.maxEntries > 0 && map.keySize === 4,
      map.valueSize >= 8 && map.valueSize % 8 === 0,
    ),
  cgroup_array: fdArray,
  lru_hash: hash,
  lru_percpu_hash: hash,
  lpm_trie: (map) =>
    all(
      map.maxEntries > 0 && (map.flags & BPF_F_NO_PREALLOC) !== 0,
      flagsWithin(map, BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS),
      map.keySize >= 5 && map.keySize <= 4 + 256,
      map.valueSize >= 1,
    ),
  array_of_maps: (map) => fdArray(map) || all(map.inner !== null),
  hash_of_maps: (map) => all(map.valueSize === 4, map.inner !== null) || hash(map),
  devmap: fdMap(4, 8),
  sockmap: fdMap(4, 8),
  cpumap: fdMap(4, 8),
  xskmap: fdMap(4),
  sockhash: (map) => all(map.maxEntries > 0, map.keySize > 0, map.valueSize === 4 || map.valueSize === 8),
  cgroup_storage: cgroupStorage,
  reuseport_sockarray: (map) => all(map.valueSize === 4 || map.valueSize === 8) || array(map),
  percpu_cgroup_storage: cgroupStorage,
  queue,
  stack: queue,
  sk_storage: localStorage,
  devmap_hash: fdMap(4, 8),
  struct_ops: (map) =>
    all(map.keySize === 4, map.maxEntries === 1, flagsWithin(map, BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD)),
  ringbuf,
  inode_storage: localStorage,
  task_storage: localStorage,
  bloom_filter: (map) =>
    all(
      map.keySize === 0 && map.valueSize > 0 && map.maxEntries > 0,
      flagsWithin(map, BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS),
      map.mapExtra <= 15n,
    ),
  user_ringbuf: ringbuf,
  cgrp_storage: localStorage,
  arena: (map) => {
    const flags = BPF_F_SEGV_ON_FAULT | BPF_F_MMAPABLE | BPF_F_NO_USER_CONV;
    const sizes = map.keySize === 0 && map.valueSize === 0 && map.maxEntries > 0;
    const mapped = (map.flags & BPF_F_MMAPABLE) !== 0 && flagsWithin(map, flags);
    const bad = all(sizes, mapped, map.mapExtra % BigInt(PAGE_SIZE) === 0n);
    return bad || (map.maxEntries * PAGE_SIZE > 2 ** 32 ? errno.E2BIG : 0);
  },
  // Not before 6.19.
  insn_array: () => errno.EINVAL,
};

/** The errno with which BPF_MAP_CREATE refuses sizes and flags; 0 when it takes them. */
export function mapAllocCheck(map: MapAttr): Errno | 0 {
  if (map.mapExtra !== 0n && map.type !== 'bloom_filter' && map.type !== 'arena') return errno.EINVAL;
  const both = (mask: number): boolean => (map.flags & mask) === mask;
  if (both(BPF_F_RDONLY | BPF_F_WRONLY) || both(BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) return errno.EINVAL;
  return CHECKS[map.type](map);
}
