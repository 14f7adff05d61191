/** htab_map_alloc_check, which the hash types share. */
import { BPF_F_NO_COMMON_LRU, BPF_F_NO_PREALLOC, BPF_F_ZERO_SEED } from '../../../uapi/bpf.ts';
import { errno } from '../../../uapi/errno.ts';
import {
  ACCESS,
  type AllocCheck,
  all,
  BPF_F_NUMA_NODE,
  flagsWithin,
  KMALLOC_MAX_SIZE,
  PCPU_MIN_UNIT_SIZE,
  roundUp8,
} from './row.ts';

/** sizeof(struct htab_elem) */
const HTAB_ELEM = 48;

export const hashCheck: AllocCheck = (map) => {
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
  const percpuTooLarge = percpu && roundUp8(map.valueSize) > PCPU_MIN_UNIT_SIZE;
  return map.keySize + map.valueSize >= KMALLOC_MAX_SIZE - HTAB_ELEM || percpuTooLarge ? errno.E2BIG : 0;
};
