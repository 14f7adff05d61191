/** BPF_MAP_TYPE_HASH_OF_MAPS: maps by key. */
import { hashCheck } from './hash_check.ts';
import { all, hashBuckets, innerCheck, type MapTypeRow } from './row.ts';

export const hashOfMapsMap: MapTypeRow = {
  type: 'hash_of_maps',
  allocCheck: (map) => all(map.valueSize === 4) || hashCheck(map) || innerCheck(map),
  machine: { walk: 'keys', buckets: hashBuckets, ofMaps: true },
};
