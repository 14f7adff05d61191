/** BPF_MAP_TYPE_RINGBUF: records that programs reserve and submit. */
import { ringbufCheck } from './ringbuf_check.ts';
import type { MapTypeRow } from './row.ts';

export const ringbufMap: MapTypeRow = {
  type: 'ringbuf',
  allocCheck: ringbufCheck,
  machine: { walk: 'none' },
};
