/** BPF_MAP_TYPE_LPM_TRIE: values by prefix; a look-up finds the longest that matches. */
import { BPF_F_NO_PREALLOC } from '../../../uapi/bpf.ts';
import { ACCESS, all, BPF_F_NUMA_NODE, flagsWithin, type MapTypeRow } from './row.ts';

export const lpmTrieMap: MapTypeRow = {
  type: 'lpm_trie',
  allocCheck: (map) =>
    all(
      map.maxEntries > 0 && (map.flags & BPF_F_NO_PREALLOC) !== 0,
      flagsWithin(map, BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS),
      map.keySize >= 5 && map.keySize <= 4 + 256,
      map.valueSize >= 1,
    ),
  machine: { walk: 'keys' },
};
