/** BPF_MAP_TYPE_ARRAY: values by index; all there from the start. */
import { arrayCheck } from './array_check.ts';
import type { MapTypeRow } from './row.ts';

export const arrayMap: MapTypeRow = {
  type: 'array',
  allocCheck: arrayCheck,
  machine: { walk: 'index' },
};
