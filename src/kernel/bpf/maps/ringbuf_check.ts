/** ringbuf_map_alloc's checks, for both directions. */
import { type AllocCheck, all, BPF_F_NUMA_NODE, flagsWithin } from './row.ts';

const BPF_F_RB_OVERWRITE = 1 << 19;
const PAGE_SIZE = 4096;
const isPowerOfTwo = (n: number): boolean => n > 0 && Number.isInteger(Math.log2(n));

export const ringbufCheck: AllocCheck = (map) => {
  const overwrite = map.type === 'ringbuf' ? BPF_F_RB_OVERWRITE : 0;
  const pages = isPowerOfTwo(map.maxEntries) && map.maxEntries % PAGE_SIZE === 0;
  return all(flagsWithin(map, BPF_F_NUMA_NODE | overwrite), map.keySize === 0, map.valueSize === 0, pages);
};
