/** bpf_local_storage_map_alloc_check. */
import { BPF_F_NO_PREALLOC } from '../../../uapi/bpf.ts';
import { errno } from '../../../uapi/errno.ts';
import { type AllocCheck, all, flagsWithin } from './row.ts';

const BPF_F_CLONE = 1 << 9;
const LOCAL_STORAGE_MAX = 65535 - 64;

export const localStorageCheck: AllocCheck = (map) => {
  const flags = (map.flags & BPF_F_NO_PREALLOC) !== 0 && flagsWithin(map, BPF_F_NO_PREALLOC | BPF_F_CLONE);
  const sizes = map.maxEntries === 0 && map.keySize === 4 && map.valueSize > 0;
  const bad = all(flags, sizes, map.keyTypeId > 0, map.valueTypeId > 0);
  return bad || (map.valueSize > LOCAL_STORAGE_MAX ? errno.E2BIG : 0);
};
