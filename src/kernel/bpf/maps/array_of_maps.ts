/** BPF_MAP_TYPE_ARRAY_OF_MAPS: maps by index. */
import { fdArrayCheck } from './array_check.ts';
import { innerCheck, type MapTypeRow } from './row.ts';

export const arrayOfMapsMap: MapTypeRow = {
  type: 'array_of_maps',
  allocCheck: (map) => fdArrayCheck(map) || innerCheck(map),
  machine: { walk: 'keys', ofMaps: true },
};
