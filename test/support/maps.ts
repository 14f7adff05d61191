/** Maps for tests, without an object: made by their numbers, on a machine of any size. */
import { type BpfMap, createMap, LocalTypes } from '../../src/kernel/bpf/maps/index.ts';
import type { KernelMemory } from '../../src/kernel/memory.ts';
import type { MapSpec } from '../../src/loader/spec.ts';
import type { MapType } from '../../src/uapi/bpf.ts';
import { BtfBuilder } from '../btf_builder.ts';

export function testMap(memory: KernelMemory, type: MapType, changes: Partial<MapSpec> = {}): BpfMap {
  const builder = new BtfBuilder();
  builder.int('int', 4);
  const spec: MapSpec = {
    ...{ name: type, type, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0, mapExtra: 0n, numaNode: null },
    ...{ pinning: 'none', keyTypeId: 0, valueTypeId: 0, section: null, inner: null, values: [] },
    ...changes,
  };
  return createMap(memory, spec, new LocalTypes(memory, null, builder.build()));
}

/** Little endian bytes of numbers, four each. */
export const words = (...numbers: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(numbers).buffer);
