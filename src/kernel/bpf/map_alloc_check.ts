/** What BPF_MAP_CREATE says of sizes and flags before it looks at types: the same for all, then each map type's own check. */
import { BPF_F_RDONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY, BPF_F_WRONLY_PROG } from '../../uapi/bpf.ts';
import { type Errno, errno } from '../../uapi/errno.ts';
import type { MapAttr } from './maps/row.ts';
import { mapTypeRow } from './maps/types.ts';

export type { MapAttr } from './maps/row.ts';

/** The errno with which BPF_MAP_CREATE refuses sizes and flags; 0 when it takes them. */
export function mapAllocCheck(map: MapAttr): Errno | 0 {
  if (map.mapExtra !== 0n && map.type !== 'bloom_filter' && map.type !== 'arena') return errno.EINVAL;
  const both = (mask: number): boolean => (map.flags & mask) === mask;
  if (both(BPF_F_RDONLY | BPF_F_WRONLY) || both(BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) return errno.EINVAL;
  return mapTypeRow(map.type).allocCheck(map);
}
