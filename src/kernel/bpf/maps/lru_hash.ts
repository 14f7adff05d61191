/** BPF_MAP_TYPE_LRU_HASH: as a hash map; when full, what was not used of late makes room. */
import { hashCheck } from './hash_check.ts';
import { hashBuckets, type MapTypeRow } from './row.ts';

export const lruHashMap: MapTypeRow = {
  type: 'lru_hash',
  allocCheck: hashCheck,
  machine: { walk: 'keys', buckets: hashBuckets },
};
