/** Where the runtime of kernel releases differs: FEATURE_ bits of assembly/layout.ts, one row each. */
import {
  FEATURE_DELETED_HASH_FREED,
  FEATURE_DELETED_STORAGE_FREED,
  FEATURE_DISTRIBUTE_NR_CPU_IDS,
  FEATURE_RECYCLED_KEEP_FIELDS,
} from '../../assembly/layout.ts';
import type { Release } from './bpf/rows.ts';
import { releaseHas } from './profile.ts';

/** FEATURE_ bits of a release, for KernelMemory.create. */
export function featuresOf(release: Release): number {
  return (
    (releaseHas(release, 'distribute_searches_nr_cpus') ? 0 : FEATURE_DISTRIBUTE_NR_CPU_IDS) |
    (releaseHas(release, 'kptrs_survive_recycling') ? FEATURE_RECYCLED_KEEP_FIELDS : 0) |
    (releaseHas(release, 'deleted_hash_values_freed') ? FEATURE_DELETED_HASH_FREED : 0) |
    (releaseHas(release, 'deleted_storage_freed') ? FEATURE_DELETED_STORAGE_FREED : 0)
  );
}
