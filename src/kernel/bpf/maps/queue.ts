/** BPF_MAP_TYPE_QUEUE: first in, first out. */
import { queueCheck } from './queue_check.ts';
import type { MapTypeRow } from './row.ts';

export const queueMap: MapTypeRow = {
  type: 'queue',
  allocCheck: queueCheck,
  machine: { walk: 'queue' },
};
