/** BPF_MAP_TYPE_HASH: values by key, one behind the other in buckets. */
import { hashCheck } from './hash_check.ts';
import { hashBuckets, type MapTypeRow } from './row.ts';

export const hashMap: MapTypeRow = {
  type: 'hash',
  allocCheck: hashCheck,
  machine: { walk: 'keys', buckets: hashBuckets },
};
