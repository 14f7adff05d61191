/** BPF_MAP_TYPE_LRU_PERCPU_HASH: as an LRU hash map, with a value for each CPU. */
import { hashCheck } from './hash_check.ts';
import { hashBuckets, type MapTypeRow } from './row.ts';

export const lruPercpuHashMap: MapTypeRow = {
  type: 'lru_percpu_hash',
  allocCheck: hashCheck,
  machine: { walk: 'keys', buckets: hashBuckets, perCpu: true },
};
