/** A map of a machine, as the control plane sees it: what bpf(2) and libbpf offer to user space. */
import type { BtfValue } from '../../../btf/values.ts';
import type { MapSpec } from '../../../loader/spec.ts';
import type { MapType } from '../../../uapi/bpf.ts';

export interface MapEntry {
  /** Empty for queues, stacks and ring buffers. */
  readonly key: Uint8Array;
  /**
   * What a lookup from user space gives: kptrs, locks and timers read as zero; a per-CPU value is every CPU's, each padded to
   * 8 bytes.
   */
  readonly value: Uint8Array;
  /** Offset of the value in the machine's memory, where it is one block; null for per-CPU values and copies. */
  readonly memoryOffset: number | null;
}

export interface BpfMap {
  readonly name: string;
  readonly type: MapType;
  readonly spec: MapSpec;
  /** Offset of struct bpf_map in the machine's memory. */
  readonly offset: number;
  /** What the kernel numbers maps by: a value of a map of maps is the id of the inner map. */
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Offsets in the value of the kptrs that may point to a struct bpf_cpumask. */
  readonly kptrOffsets: readonly number[];
  /** Offset in memory of the value with that index (array types: what direct access counts from). */
  valueOffset(index: number): number;
  /**
   * The value decoded by the object's BTF, kptrs and all: a kptr to a mask is `{ type, cpus, refs }`. Null when there is no
   * entry, or no BTF; per-CPU values are an array of every CPU's.
   */
  get(key: Uint8Array): BtfValue;
  /** The value as user space reads it; null when there is none. */
  lookup(key: Uint8Array): Uint8Array | null;
  /** 0 or a negative errno. `flags`: BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK. */
  update(key: Uint8Array, value: Uint8Array, flags?: number): number;
  /** 0 or a negative errno. */
  delete(key: Uint8Array): number;
  /**
   * Bytes of the value at an offset in memory, as they are there: kptrs too, but other special fields (locks, timers, lists, trees)
   * read as zero, as user space reads them.
   */
  readValue(at: number, from?: number, size?: number): Uint8Array;
  /** Every entry; array types in the order of their index, hash types in that of their buckets. */
  entries(): Iterable<MapEntry>;
  /** Frees it with everything in it; kptrs are released. */
  free(): void;
}

/** A number as an array's key or the value of a map of maps has it. */
export function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
