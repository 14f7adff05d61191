/** Where the values of a map lie in memory, those of elements that are not in it too: what a kernel releases with its memory. */
import * as map from '../../../../assembly/kernel/bpf/map_layout.ts';
import * as types from '../../../../assembly/kernel/bpf/map_types.ts';
import { FEATURE_DELETED_HASH_FREED, FEATURE_DELETED_STORAGE_FREED, M_FEATURES } from '../../../../assembly/layout.ts';
import { BPF_F_NO_PREALLOC } from '../../../uapi/bpf.ts';
import type { KernelMemory } from '../../memory.ts';
import { roundUp8 } from './row.ts';

/** Offsets of a map's values. `released`: also those of deleted elements whose kptrs the kernel releases with their memory. */
type Values = (memory: KernelMemory, at: number, released: boolean) => Generator<number>;

function* rows(from: number, count: number, step: number): Generator<number> {
  for (let i = 0; i < count; i++) yield from + i * step;
}

function* arrayValues(memory: KernelMemory, at: number, cpus: number): Generator<number> {
  const count = memory.u32At(at + map.BM_MAX_ENTRIES) * cpus;
  yield* rows(memory.u32At(at + map.BM_STORAGE), count, memory.u32At(at + map.BM_ELEM_SIZE));
}

/** Elements that belong to a map without preallocation; those that are deleted only when they are asked for. */
function* chunks(memory: KernelMemory, at: number, deleted: boolean): Generator<number> {
  const free = new Set<number>();
  const first = deleted ? 0 : memory.u32At(at + map.HTAB_REUSE);
  for (let elem = first; elem; elem = memory.u32At(elem + map.HE_LINK)) free.add(elem);
  for (let elem = memory.u32At(at + map.HTAB_CHUNKS); elem; elem = memory.u32At(elem + map.HE_CHUNK)) {
    if (!free.has(elem)) yield elem;
  }
}

function* elements(memory: KernelMemory, at: number, deleted: boolean): Generator<number> {
  if (memory.u32At(at + map.BM_FLAGS) & BPF_F_NO_PREALLOC) {
    yield* chunks(memory, at, deleted);
    return;
  }
  // A program sees again what is in a free element when that is used again, and the map's end releases it.
  const count = memory.u32At(at + map.HTAB_NR_ELEMS);
  yield* rows(memory.u32At(at + map.BM_STORAGE), count, memory.u32At(at + map.BM_ELEM_SIZE));
}

const hashValues = (perCpu: boolean): Values =>
  function* (memory, at, deleted) {
    const step = roundUp8(memory.u32At(at + map.BM_VALUE_SIZE));
    for (const elem of elements(memory, at, deleted)) {
      const slot = elem + memory.u32At(at + map.HTAB_VALUE_OFF);
      if (perCpu) yield* rows(memory.u32At(slot), memory.nrCpuIds, step);
      else yield slot;
    }
  };

interface ValuesRow {
  readonly values: Values;
  /** FEATURE_ bit of kernels that release what deleted elements without preallocation hold. */
  readonly feature: number;
}

/** Types whose values may have kptrs, lists and trees. */
const ROWS: Readonly<Record<number, ValuesRow>> = {
  [types.MAP_ARRAY]: { values: (memory, at) => arrayValues(memory, at, 1), feature: 0 },
  [types.MAP_PERCPU_ARRAY]: { values: (memory, at) => arrayValues(memory, at, memory.nrCpuIds), feature: 0 },
  [types.MAP_HASH]: { values: hashValues(false), feature: FEATURE_DELETED_HASH_FREED },
  [types.MAP_LRU_HASH]: { values: hashValues(false), feature: FEATURE_DELETED_HASH_FREED },
  [types.MAP_PERCPU_HASH]: { values: hashValues(true), feature: FEATURE_DELETED_HASH_FREED },
  [types.MAP_LRU_PERCPU_HASH]: { values: hashValues(true), feature: FEATURE_DELETED_HASH_FREED },
  [types.MAP_TASK_STORAGE]: { values: hashValues(false), feature: FEATURE_DELETED_STORAGE_FREED },
};

/** Every map of the machine whose values have special fields. */
export function* mapsWithFields(memory: KernelMemory): Generator<number> {
  for (let at = memory.u32At(map.M_MAPS); at; at = memory.u32At(at + map.BM_NEXT)) {
    if (memory.u32At(at + map.BM_RECORD)) yield at;
  }
}

/** Does the kernel release what deleted elements hold, with the memory of each? */
function releases(memory: KernelMemory, { feature }: ValuesRow): boolean {
  return (memory.u32At(M_FEATURES) & feature) !== 0;
}

/** Values of a map that hold what is in them: programs find them, or the kernel releases it with their memory. */
export function valuesOf(memory: KernelMemory, at: number): Iterable<number> {
  const row = ROWS[memory.u32At(at + map.BM_TYPE)];
  return row ? row.values(memory, at, releases(memory, row)) : [];
}

export interface FixedValues {
  readonly values: Iterable<number>;
  /** The word that changes when there are more; 0: there never are. */
  readonly chunks: number;
}

/** The same, when it does not change with each update and deletion which they are; else null. */
export function fixedValuesOf(memory: KernelMemory, at: number): FixedValues | null {
  const row = ROWS[memory.u32At(at + map.BM_TYPE)];
  if (!row) return { values: [], chunks: 0 };
  const allocates = row.feature !== 0 && (memory.u32At(at + map.BM_FLAGS) & BPF_F_NO_PREALLOC) !== 0;
  if (allocates && !releases(memory, row)) return null;
  return { values: valuesOf(memory, at), chunks: allocates ? at + map.HTAB_CHUNKS : 0 };
}
