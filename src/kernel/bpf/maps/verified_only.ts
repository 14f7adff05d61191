/** Map types that objects may have and programs may be verified with, but that the machine does not make. */
import { BPF_F_MMAPABLE, BPF_F_ZERO_SEED } from '../../../uapi/bpf.ts';
import { errno } from '../../../uapi/errno.ts';
import { arrayCheck, fdArrayCheck } from './array_check.ts';
import { ringbufCheck } from './ringbuf_check.ts';
import { ACCESS, type AllocCheck, all, BPF_F_NUMA_NODE, flagsWithin, type MapTypeRow } from './row.ts';
import { localStorageCheck } from './storage_check.ts';

const BPF_F_STACK_BUILD_ID = 1 << 5;
const BPF_F_LINK = 1 << 13;
const BPF_F_VTYPE_BTF_OBJ_FD = 1 << 15;
const BPF_F_SEGV_ON_FAULT = 1 << 17;
const BPF_F_NO_USER_CONV = 1 << 18;
const PAGE_SIZE = 4096;

const fdMap =
  (...values: number[]): AllocCheck =>
  (map) =>
    all(map.maxEntries > 0, map.keySize === 4, values.includes(map.valueSize));

const cgroupStorage: AllocCheck = (map) => {
  if (map.keySize !== 8 && map.keySize !== 16) return errno.EINVAL;
  return all(map.valueSize > 0, flagsWithin(map, BPF_F_NUMA_NODE | ACCESS), map.maxEntries === 0);
};

const stackTrace: AllocCheck = (map) =>
  all(
    flagsWithin(map, BPF_F_NUMA_NODE | ACCESS | BPF_F_STACK_BUILD_ID),
    map.maxEntries > 0 && map.keySize === 4,
    map.valueSize >= 8 && map.valueSize % 8 === 0,
  );

const structOps: AllocCheck = (map) =>
  all(map.keySize === 4, map.maxEntries === 1, flagsWithin(map, BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD));

const bloomFilter: AllocCheck = (map) =>
  all(
    map.keySize === 0 && map.valueSize > 0 && map.maxEntries > 0,
    flagsWithin(map, BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS),
    map.mapExtra <= 15n,
  );

const arena: AllocCheck = (map) => {
  const flags = BPF_F_SEGV_ON_FAULT | BPF_F_MMAPABLE | BPF_F_NO_USER_CONV;
  const sizes = map.keySize === 0 && map.valueSize === 0 && map.maxEntries > 0;
  const mapped = (map.flags & BPF_F_MMAPABLE) !== 0 && flagsWithin(map, flags);
  const bad = all(sizes, mapped, map.mapExtra % BigInt(PAGE_SIZE) === 0n);
  return bad || (map.maxEntries * PAGE_SIZE > 2 ** 32 ? errno.E2BIG : 0);
};

export const VERIFIED_ONLY: readonly MapTypeRow[] = [
  { type: 'unspec', allocCheck: () => errno.EINVAL },
  { type: 'perf_event_array', allocCheck: fdArrayCheck },
  { type: 'stack_trace', allocCheck: stackTrace },
  { type: 'cgroup_array', allocCheck: fdArrayCheck },
  { type: 'devmap', allocCheck: fdMap(4, 8) },
  { type: 'sockmap', allocCheck: fdMap(4, 8) },
  { type: 'cpumap', allocCheck: fdMap(4, 8) },
  { type: 'xskmap', allocCheck: fdMap(4) },
  {
    type: 'sockhash',
    allocCheck: (map) => all(map.maxEntries > 0, map.keySize > 0, map.valueSize === 4 || map.valueSize === 8),
  },
  { type: 'cgroup_storage', allocCheck: cgroupStorage },
  {
    type: 'reuseport_sockarray',
    allocCheck: (map) => all(map.valueSize === 4 || map.valueSize === 8) || arrayCheck(map),
  },
  { type: 'percpu_cgroup_storage', allocCheck: cgroupStorage },
  { type: 'sk_storage', allocCheck: localStorageCheck },
  { type: 'devmap_hash', allocCheck: fdMap(4, 8) },
  { type: 'struct_ops', allocCheck: structOps },
  { type: 'inode_storage', allocCheck: localStorageCheck },
  { type: 'bloom_filter', allocCheck: bloomFilter },
  { type: 'user_ringbuf', allocCheck: ringbufCheck },
  { type: 'cgrp_storage', allocCheck: localStorageCheck },
  { type: 'arena', allocCheck: arena },
  // Not before 6.19.
  { type: 'insn_array', allocCheck: () => errno.EINVAL },
];
