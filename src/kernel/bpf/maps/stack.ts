/** BPF_MAP_TYPE_STACK: last in, first out. */
import { queueCheck } from './queue_check.ts';
import type { MapTypeRow } from './row.ts';

export const stackMap: MapTypeRow = {
  type: 'stack',
  allocCheck: queueCheck,
  machine: { walk: 'queue' },
};
