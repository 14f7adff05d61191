/** BPF_MAP_TYPE_PERCPU_HASH: values by key, one for each CPU. */
import { hashCheck } from './hash_check.ts';
import { hashBuckets, type MapTypeRow } from './row.ts';

export const percpuHashMap: MapTypeRow = {
  type: 'percpu_hash',
  allocCheck: hashCheck,
  machine: { walk: 'keys', buckets: hashBuckets, perCpu: true },
};
