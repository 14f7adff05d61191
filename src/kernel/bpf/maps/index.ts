/** Maps of a machine: made as BPF_MAP_CREATE makes them, read and written as user space does. */
import * as map from '../../../../assembly/kernel/bpf/map_layout.ts';
import { ALLOC_BUFFER, ALLOC_MAP } from '../../../../assembly/layout.ts';
import type { Btf } from '../../../btf/btf.ts';
import { type BtfValue, decodeValue } from '../../../btf/values.ts';
import { InputError, NotSupported } from '../../../errors.ts';
import type { MapSpec } from '../../../loader/spec.ts';
import { type MapType, mapTypes } from '../../../uapi/bpf.ts';
import { errnoName } from '../../../uapi/errno.ts';
import { maskValue } from '../../mask_value.ts';
import type { KernelMemory } from '../../memory.ts';
import { BPF_KPTR, type BtfField, type BtfRecord, isRecordError } from '../btf_record.ts';
import { mapAllocCheck } from '../map_alloc_check.ts';
import { mapCheckBtf } from '../map_check_btf.ts';
import { type BpfMap, type MapEntry, u32Bytes } from './map.ts';
import type { LocalTypes } from './record.ts';
import { type MapMachine, roundUp8 } from './row.ts';
import { mapTypeRow } from './types.ts';

export { type BpfMap, type MapEntry, u32Bytes } from './map.ts';
export { LocalTypes } from './record.ts';

/** Entries that are walked at most: a map cannot be larger than memory. */
const MAX_WALK = 1 << 28;

class KernelMap implements BpfMap {
  readonly name: string;
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly kptrOffsets: readonly number[];

  constructor(
    private readonly memory: KernelMemory,
    readonly spec: MapSpec,
    private readonly row: MapMachine,
    readonly offset: number,
    /** Special fields of the value. */
    private readonly fields: readonly BtfField[],
    private readonly btf: Btf | null,
  ) {
    this.name = spec.name;
    this.type = spec.type;
    this.keySize = spec.keySize;
    this.valueSize = spec.valueSize;
    this.maxEntries = spec.maxEntries;
    this.kptrOffsets = fields.filter(({ type }) => type & BPF_KPTR).map(({ offset }) => offset);
  }

  valueOffset(index: number): number {
    const storage = this.memory.u32At(this.offset + map.BM_STORAGE);
    return storage + index * this.memory.u32At(this.offset + map.BM_ELEM_SIZE);
  }

  get id(): number {
    return this.memory.u32At(this.offset + map.BM_ID);
  }

  get(key: Uint8Array): BtfValue {
    const value = this.lookup(key);
    if (!value) return null;
    if (this.row.ofMaps) return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    if (!this.row.perCpu) {
      const at = this.valueAt(key, 0);
      return this.decode(at === 0 ? value : this.readValue(at));
    }
    return Array.from({ length: this.memory.nrCpuIds }, (_, cpu) =>
      this.decode(this.readValue(this.valueAt(key, cpu))),
    );
  }

  /** The value of one CPU in memory; 0 when there is none. */
  private valueAt(key: Uint8Array, cpu: number): number {
    return this.withBuffers(
      key,
      new Uint8Array(),
      (at) => this.memory.exports.map_value_at(this.offset, at, cpu) >>> 0,
    );
  }

  readValue(at: number, from = 0, size = this.valueSize): Uint8Array {
    const bytes = this.memory.read(at + from, size);
    for (const field of this.fields) {
      if (field.type & BPF_KPTR) continue;
      // fill() takes what lies before the start for counted from the end.
      bytes.fill(0, Math.max(field.offset - from, 0), Math.max(field.offset + field.size - from, 0));
    }
    return bytes;
  }

  /** A value by the object's BTF; null without one. */
  decode(bytes: Uint8Array): BtfValue {
    const { btf, memory } = this;
    if (!btf || !this.spec.valueTypeId) return null;
    return decodeValue(btf, this.spec.valueTypeId, bytes, {
      pointer: (typeId, address) => maskValue(memory, btf, typeId, address),
    });
  }

  lookup(key: Uint8Array): Uint8Array | null {
    const size = this.userValueSize;
    return this.withBuffers(key, new Uint8Array(size), (at, out) =>
      this.memory.exports.map_lookup_user(this.offset, at, out) === 0 ? this.memory.read(out, size) : null,
    );
  }

  update(key: Uint8Array, value: Uint8Array, flags = 0): number {
    const want = this.userValueSize;
    if (value.length !== want) {
      throw new InputError(`map ${this.name}`, '', `a value has ${want} bytes, not ${value.length}`);
    }
    return this.withBuffers(key, value, (at, from) =>
      this.memory.exports.map_update_user(this.offset, at, from, BigInt(flags)),
    );
  }

  delete(key: Uint8Array): number {
    return this.withBuffers(key, new Uint8Array(), (at) => this.memory.exports.map_delete_user(this.offset, at));
  }

  *entries(): Generator<MapEntry> {
    const { memory, offset } = this;
    if (this.row.walk === 'none') return;
    if (this.row.walk === 'queue') {
      const { exports } = memory;
      for (let i = 0; i < exports.queue_stack_map_count(offset); i++) {
        const at = exports.queue_stack_map_at(offset, i) >>> 0;
        yield { key: new Uint8Array(), value: memory.read(at, this.valueSize), memoryOffset: at };
      }
      return;
    }
    if (this.row.walk === 'index') {
      for (let i = 0; i < this.maxEntries; i++) yield new ArrayEntry(this, i);
      return;
    }
    yield* this.walkKeys();
  }

  free(): void {
    this.memory.exports.map_free(this.offset);
  }

  private get userValueSize(): number {
    return this.memory.exports.map_user_value_size(this.offset);
  }

  /** Entries as user space finds them: by asking for one key after the other. */
  private *walkKeys(): Generator<MapEntry> {
    const { memory, offset, keySize, userValueSize } = this;
    const { exports } = memory;
    const key = memory.kmalloc(2 * roundUp8(keySize) + roundUp8(userValueSize), ALLOC_BUFFER);
    const next = key + roundUp8(keySize);
    const value = next + roundUp8(keySize);
    const copies = this.row.perCpu || this.row.ofMaps;
    try {
      for (let seen = 0; seen < MAX_WALK; seen++) {
        if (exports.map_get_next_key(offset, seen > 0 ? key : 0, next) !== 0) return;
        memory.u8().copyWithin(key, next, next + keySize);
        if (exports.map_lookup_user(offset, key, value) !== 0) continue;
        const at = copies ? 0 : exports.map_value_at(offset, key, 0) >>> 0;
        const [keyBytes, bytes] = [memory.read(key, keySize), memory.read(value, userValueSize)];
        yield { key: keyBytes, value: bytes, memoryOffset: at === 0 ? null : at };
      }
    } finally {
      memory.kfree(key);
    }
  }

  /** Puts a key and a value where the data plane can see them, for one call. */
  private withBuffers<T>(key: Uint8Array, value: Uint8Array, body: (key: number, value: number) => T): T {
    const want = this.row.walk === 'queue' ? 0 : this.keySize;
    if (key.length !== want) throw new InputError(`map ${this.name}`, '', `a key has ${want} bytes, not ${key.length}`);
    const { memory } = this;
    const at = memory.kmalloc(roundUp8(key.length) + roundUp8(value.length) + 8, ALLOC_BUFFER);
    try {
      memory.write(at, key);
      memory.write(at + roundUp8(key.length), value);
      return body(at, at + roundUp8(key.length));
    } finally {
      memory.kfree(at);
    }
  }
}

/** An element of an array. Its value is read only when somebody asks: most of a large array is zero, which its memory tells. */
class ArrayEntry implements MapEntry {
  constructor(
    private readonly map: KernelMap,
    private readonly index: number,
  ) {}

  get key(): Uint8Array {
    return u32Bytes(this.index);
  }

  get value(): Uint8Array {
    return this.map.lookup(this.key) ?? new Uint8Array(this.map.valueSize);
  }

  get memoryOffset(): number {
    return this.map.valueOffset(this.index);
  }
}

/**
 * Makes a map (BPF_MAP_CREATE), with a data section's contents in it.
 * @throws NotSupported by name for a map type or special field that the machine does not have; InputError when the kernel
 * would refuse the map, or memory does not suffice
 */
export function createMap(memory: KernelMemory, given: MapSpec, types: LocalTypes): BpfMap {
  const { machine } = mapTypeRow(given.type);
  if (!machine) throw new NotSupported(`maps of type ${given.type}`);
  const spec = withDefaults(given);
  const what = `map ${spec.name} (${spec.type})`;
  const refused = mapAllocCheck(spec);
  if (refused) throw new InputError(what, '', `the kernel does not make such a map (-${errnoName(refused)})`);
  const { offset, record } = describe(memory, spec, types);
  if (spec.inner && machine.ofMaps) {
    memory.setU32(offset + map.BM_INNER, describe(memory, withDefaults(spec.inner), types).offset);
  }
  const error = memory.exports.map_alloc(offset, machine.buckets?.(spec) ?? 0);
  if (error !== 0) {
    memory.exports.map_free(offset);
    throw new InputError(what, '', `does not fit in the machine's memory (errno ${-error})`);
  }
  memory.exports.map_publish(offset);
  const made = new KernelMap(memory, spec, machine, offset, record?.fields ?? [], types.btf);
  if (spec.section) fillSection(memory, made, spec.section.data, spec.section.kind);
  return made;
}

/** A struct bpf_map with its sizes and special fields, and no storage yet. */
function describe(
  memory: KernelMemory,
  spec: MapSpec,
  types: LocalTypes,
): { offset: number; record: BtfRecord | null } {
  const checked = mapCheckBtf(spec, types.accepted, types.metas, types.vmlinux);
  const record = isRecordError(checked.record) ? null : checked.record;
  const offset = memory.kmalloc(map.BPF_MAP_SIZE, ALLOC_MAP);
  const words: readonly (readonly [number, number])[] = [
    [map.BM_TYPE, mapTypes.indexOf(spec.type)],
    [map.BM_KEY_SIZE, spec.keySize],
    [map.BM_VALUE_SIZE, spec.valueSize],
    [map.BM_MAX_ENTRIES, spec.maxEntries],
    [map.BM_FLAGS, spec.flags],
    [map.BM_ELEM_SIZE, roundUp8(spec.valueSize)],
    [map.BM_RECORD, record ? types.record(record) : 0],
    [map.BM_SPIN_LOCK_OFF, record && record.spinLockOff >= 0 ? record.spinLockOff : map.NO_FIELD],
  ];
  for (const [field, value] of words) memory.setU32(offset + field, value);
  return { offset, record };
}

/** libbpf's and the kernel's own ideas of sizes that an object leaves open. */
function withDefaults(spec: MapSpec): MapSpec {
  if (spec.type === 'task_storage') return { ...spec, keySize: 4 };
  return spec;
}

function fillSection(memory: KernelMemory, made: KernelMap, data: Uint8Array, kind: string): void {
  const at = made.valueOffset(0);
  memory.write(at, data);
  if (kind === 'rodata' || kind === 'kconfig') memory.exports.kasan_unpoison_readonly(at, made.valueSize);
}
