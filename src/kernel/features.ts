/** Where the runtime of kernel releases differs: FEATURE_ bits of assembly/layout.ts, one row each. */
import { FEATURE_DISTRIBUTE_NR_CPU_IDS } from '../../assembly/layout.ts';
import { compareReleases, type Release } from './bpf/rows.ts';

interface FeatureRow {
  readonly feature: number;
  /** First release without it. Measured: 6.12 has it, 7.2 has not; kernels with NR_CPUS > 64 do not show it. */
  readonly until: Release;
}

const FEATURES: readonly FeatureRow[] = [{ feature: FEATURE_DISTRIBUTE_NR_CPU_IDS, until: '7.0' }];

/** FEATURE_ bits of a release, for KernelMemory.create. */
export function featuresOf(release: Release): number {
  return FEATURES.filter((row) => compareReleases(release, row.until) < 0).reduce((bits, row) => bits | row.feature, 0);
}
