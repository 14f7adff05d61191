/** A map as the verifier sees it: what BPF_MAP_CREATE made of the object's definition. */
import type { Btf } from '../btf/btf.ts';
import type { BtfRecord } from '../kernel/bpf/btf_record.ts';
import type { MapSpec } from '../loader/spec.ts';
import type { MapType } from '../uapi/bpf.ts';

export interface VerifierMap {
  readonly name: string;
  /** Index in KernelProgram.maps; inner maps have that of the outer. */
  readonly index: number;
  readonly spec: MapSpec;
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** BTF of key and value; null when the map was made without. */
  readonly btf: Btf | null;
  readonly btfValueTypeId: number;
  /** Special fields of the value (kptrs, locks, timers, roots); null: none. */
  readonly record: BtfRecord | null;
  /** Contents cannot change any more (.rodata): loads of constant offsets are known. */
  readonly frozen: boolean;
  /** Initial contents of a data section; null otherwise. */
  readonly data: Uint8Array | null;
  /** Maps of maps: what a lookup gives. */
  readonly inner: VerifierMap | null;
}
