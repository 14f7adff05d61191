/** BPF_MAP_TYPE_PERCPU_ARRAY: values by index, one for each CPU. */
import { arrayCheck } from './array_check.ts';
import type { MapTypeRow } from './row.ts';

export const percpuArrayMap: MapTypeRow = {
  type: 'percpu_array',
  allocCheck: arrayCheck,
  machine: { walk: 'keys', perCpu: true },
};
