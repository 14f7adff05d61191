/** What is known of a map type: one row in one file each. */
import type { MapType } from '../../../uapi/bpf.ts';
import { BPF_F_RDONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY, BPF_F_WRONLY_PROG } from '../../../uapi/bpf.ts';
import { type Errno, errno } from '../../../uapi/errno.ts';

/** What BPF_MAP_CREATE is given of a map. Sizes in bytes. */
export interface MapAttr {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** Maps of maps: what the inner ones are like. */
  readonly inner: { readonly type: MapType } | null;
}

export type AllocCheck = (map: MapAttr) => Errno | 0;

/** How the machine keeps a map. */
export interface MapMachine {
  /** How its entries are found: they lie by index, by asking for one key after the other, in the order of pops, or not at all. */
  readonly walk: 'index' | 'keys' | 'queue' | 'none';
  /** Hash buckets; absent for types without. */
  readonly buckets?: (map: MapAttr) => number;
  /** Each CPU has a value of its own. */
  readonly perCpu?: boolean;
  /** Values are other maps. */
  readonly ofMaps?: boolean;
}

export interface MapTypeRow {
  readonly type: MapType;
  /** The errno with which the type's map_alloc_check refuses sizes and flags; 0 when it takes them. */
  readonly allocCheck: AllocCheck;
  /** Absent: objects may have such maps and are verified, but the machine does not make them. */
  readonly machine?: MapMachine;
}

export const BPF_F_NUMA_NODE = 1 << 2;
/** Flags of who may read and write. */
export const ACCESS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
/** Largest kmalloc, less than a page order. */
export const KMALLOC_MAX_SIZE = 4 << 20;
/** Unit of per-CPU allocation. */
export const PCPU_MIN_UNIT_SIZE = 32 << 10;

/** EINVAL unless all hold. */
export const all = (...conditions: boolean[]): Errno | 0 => (conditions.every(Boolean) ? 0 : errno.EINVAL);
export const flagsWithin = (map: MapAttr, allowed: number): boolean => (map.flags & ~allowed) === 0;
export const roundUp8 = (size: number): number => Math.ceil(size / 8) * 8;
/** Types of which the kernel cannot tell whether two maps are alike, so that they cannot be in a map of maps. */
const NOT_COMPARED: readonly MapType[] = ['prog_array', 'struct_ops', 'cgroup_storage', 'percpu_cgroup_storage'];

/** What bpf_map_meta_alloc says of the inner map of a map of maps. */
export function innerCheck({ inner }: MapAttr): Errno | 0 {
  if (!inner || inner.type === 'array_of_maps' || inner.type === 'hash_of_maps') return errno.EINVAL;
  return NOT_COMPARED.includes(inner.type) ? errno.ENOTSUPP : 0;
}

/** As many hash buckets as entries, rounded up to a power of two. */
export const hashBuckets = ({ maxEntries }: MapAttr): number => 2 ** Math.ceil(Math.log2(Math.max(maxEntries, 1)));
