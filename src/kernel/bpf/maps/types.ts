/** Map types that the machine has: one row each, with what BPF_MAP_CREATE demands of a map (the alloc_check of each type). */
import type { MapSpec } from '../../../loader/spec.ts';
import { BPF_F_NO_PREALLOC, BPF_F_RDONLY, BPF_F_WRONLY, type MapType } from '../../../uapi/bpf.ts';

/** A map's sizes as they will be. */
export type MapShape = Pick<MapSpec, 'type' | 'keySize' | 'valueSize' | 'maxEntries' | 'flags'>;

export interface MapTypeRow {
  /** What is wrong with a map, in words; null when it can be made. The kernel says -EINVAL. */
  readonly check: (map: MapShape) => string | null;
  /** Hash buckets; 0 for types without. */
  readonly buckets: (map: MapShape) => number;
  /** How entries are found. */
  readonly walk: 'index' | 'keys' | 'queue' | 'tasks' | 'none';
  /** Each CPU has a value of its own. */
  readonly perCpu?: boolean;
}

const PAGE = 4096;
const noBuckets = () => 0;
const powerOfTwo = (n: number) => 2 ** Math.ceil(Math.log2(Math.max(n, 1)));
const buckets = ({ maxEntries }: MapShape) => powerOfTwo(maxEntries);

const array = (map: MapShape) => {
  if (map.keySize !== 4) return `its key must have 4 bytes, not ${map.keySize}`;
  if (map.valueSize === 0) return 'its value has no size';
  return map.maxEntries === 0 ? 'max_entries is 0' : null;
};
const hash = (map: MapShape) => {
  if (map.keySize === 0) return 'its key has no size';
  if (map.valueSize === 0) return 'its value has no size';
  return map.maxEntries === 0 ? 'max_entries is 0' : null;
};
const lru = (map: MapShape) => (map.flags & BPF_F_NO_PREALLOC ? 'LRU maps are preallocated' : hash(map));
const queue = (map: MapShape) => {
  if (map.keySize !== 0) return `it has no keys; its key size is ${map.keySize}`;
  if (map.valueSize === 0) return 'its value has no size';
  if (map.flags & ~(BPF_F_RDONLY | BPF_F_WRONLY | 0x180 | 4)) return `flags 0x${map.flags.toString(16)} do not fit it`;
  return map.maxEntries === 0 ? 'max_entries is 0' : null;
};
const ring = (map: MapShape) => {
  if (map.keySize !== 0 || map.valueSize !== 0) return 'it has neither keys nor values';
  const size = map.maxEntries;
  return size < PAGE || size !== powerOfTwo(size) ? `its size ${size} is no power of two of at least ${PAGE}` : null;
};
const storage = (map: MapShape) => {
  if (map.keySize !== 4) return `its key must have 4 bytes, not ${map.keySize}`;
  if (!(map.flags & BPF_F_NO_PREALLOC)) return 'task storage needs BPF_F_NO_PREALLOC';
  if (map.maxEntries !== 0) return 'task storage has no max_entries';
  return map.valueSize === 0 ? 'its value has no size' : null;
};
const trie = (map: MapShape) => {
  if (map.keySize < 5 || map.keySize > 260) return `its key must have 5 to 260 bytes, not ${map.keySize}`;
  if (!(map.flags & BPF_F_NO_PREALLOC)) return 'an LPM trie needs BPF_F_NO_PREALLOC';
  return map.maxEntries === 0 ? 'max_entries is 0' : null;
};

/** Types that are absent are NotSupported. */
export const mapTypeRows: Readonly<Partial<Record<MapType, MapTypeRow>>> = {
  array: { check: array, buckets: noBuckets, walk: 'index' },
  percpu_array: { check: array, buckets: noBuckets, walk: 'index', perCpu: true },
  prog_array: { check: array, buckets: noBuckets, walk: 'none' },
  hash: { check: hash, buckets, walk: 'keys' },
  percpu_hash: { check: hash, buckets, walk: 'keys', perCpu: true },
  lru_hash: { check: lru, buckets, walk: 'keys' },
  lru_percpu_hash: { check: lru, buckets, walk: 'keys', perCpu: true },
  lpm_trie: { check: trie, buckets: noBuckets, walk: 'keys' },
  queue: { check: queue, buckets: noBuckets, walk: 'queue' },
  stack: { check: queue, buckets: noBuckets, walk: 'queue' },
  ringbuf: { check: ring, buckets: noBuckets, walk: 'none' },
  task_storage: { check: storage, buckets: () => 256, walk: 'tasks' },
};
