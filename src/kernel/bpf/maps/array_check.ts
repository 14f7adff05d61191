/** array_map_alloc_check and fd_array_map_alloc_check, which several types share. */
import { BPF_F_INNER_MAP, BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG } from '../../../uapi/bpf.ts';
import { errno } from '../../../uapi/errno.ts';
import { ACCESS, type AllocCheck, all, BPF_F_NUMA_NODE, flagsWithin, PCPU_MIN_UNIT_SIZE, roundUp8 } from './row.ts';

const BPF_F_PRESERVE_ELEMS = 1 << 11;

export const arrayCheck: AllocCheck = (map) => {
  const allowed = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | ACCESS | BPF_F_PRESERVE_ELEMS | BPF_F_INNER_MAP;
  const onlyArray = map.type === 'array' || !(map.flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP));
  const preserve = map.type === 'perf_event_array' || !(map.flags & BPF_F_PRESERVE_ELEMS);
  const numa = map.type !== 'percpu_array' || !(map.flags & BPF_F_NUMA_NODE);
  const bad = all(
    map.maxEntries > 0,
    map.keySize === 4,
    map.valueSize > 0,
    flagsWithin(map, allowed),
    onlyArray,
    preserve,
    numa,
  );
  if (bad) return bad;
  const percpuTooLarge = map.type === 'percpu_array' && roundUp8(map.valueSize) > PCPU_MIN_UNIT_SIZE;
  return map.valueSize > 0x7fffffff || percpuTooLarge ? errno.E2BIG : 0;
};

export const fdArrayCheck: AllocCheck = (map) =>
  all(map.valueSize === 4, !(map.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))) || arrayCheck(map);
