/** Every map type, by its name: a new one is a file and a line here. */
import { InvariantError } from '../../../errors.ts';
import type { MapType } from '../../../uapi/bpf.ts';
import { arrayMap } from './array.ts';
import { arrayOfMapsMap } from './array_of_maps.ts';
import { hashMap } from './hash.ts';
import { hashOfMapsMap } from './hash_of_maps.ts';
import { lpmTrieMap } from './lpm_trie.ts';
import { lruHashMap } from './lru_hash.ts';
import { lruPercpuHashMap } from './lru_percpu_hash.ts';
import { percpuArrayMap } from './percpu_array.ts';
import { percpuHashMap } from './percpu_hash.ts';
import { progArrayMap } from './prog_array.ts';
import { queueMap } from './queue.ts';
import { ringbufMap } from './ringbuf.ts';
import type { MapTypeRow } from './row.ts';
import { stackMap } from './stack.ts';
import { taskStorageMap } from './task_storage.ts';
import { VERIFIED_ONLY } from './verified_only.ts';

const ROWS: readonly MapTypeRow[] = [
  arrayMap,
  arrayOfMapsMap,
  hashMap,
  hashOfMapsMap,
  lpmTrieMap,
  lruHashMap,
  lruPercpuHashMap,
  percpuArrayMap,
  percpuHashMap,
  progArrayMap,
  queueMap,
  ringbufMap,
  stackMap,
  taskStorageMap,
  ...VERIFIED_ONLY,
];

const byType: ReadonlyMap<MapType, MapTypeRow> = new Map(ROWS.map((row) => [row.type, row]));

export function mapTypeRow(type: MapType): MapTypeRow {
  const row = byType.get(type);
  if (!row) throw new InvariantError(`map type ${type} has no row`);
  return row;
}
