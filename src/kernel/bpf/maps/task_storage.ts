/** BPF_MAP_TYPE_TASK_STORAGE: a value for each task. */
import type { MapTypeRow } from './row.ts';
import { localStorageCheck } from './storage_check.ts';

/** Buckets of the hash map that keeps them, by task. */
const BUCKETS = 256;

export const taskStorageMap: MapTypeRow = {
  type: 'task_storage',
  allocCheck: localStorageCheck,
  machine: { walk: 'keys', buckets: () => BUCKETS },
};
