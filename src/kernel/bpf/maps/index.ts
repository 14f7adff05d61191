import { NotSupported } from '../../../errors.ts';
import type { MapSpec } from '../../../loader/spec.ts';
import type { KernelMemory } from '../../memory.ts';
import type { BpfMap, MapTypes } from './map.ts';

export type { BpfMap, MapEntry, MapTypes } from './map.ts';

/**
 * Makes a map (BPF_MAP_CREATE), with a data section's contents in it.
 * @throws NotSupported by name for a map type that the machine does not have
 */
export function createMap(_memory: KernelMemory, spec: MapSpec, _types: MapTypes): BpfMap {
  throw new NotSupported(`maps of type ${spec.type}`);
}
