/** BPF_MAP_TYPE_PROG_ARRAY: what a tail call jumps to. */
import { fdArrayCheck } from './array_check.ts';
import type { MapTypeRow } from './row.ts';

export const progArrayMap: MapTypeRow = {
  type: 'prog_array',
  allocCheck: fdArrayCheck,
  machine: { walk: 'none' },
};
