/** queue_stack_map_alloc_check. */
import { errno } from '../../../uapi/errno.ts';
import { ACCESS, type AllocCheck, all, BPF_F_NUMA_NODE, flagsWithin, KMALLOC_MAX_SIZE } from './row.ts';

export const queueCheck: AllocCheck = (map) => {
  const bad = all(map.maxEntries > 0, map.keySize === 0, map.valueSize > 0, flagsWithin(map, BPF_F_NUMA_NODE | ACCESS));
  return bad || (map.valueSize > KMALLOC_MAX_SIZE ? errno.E2BIG : 0);
};
