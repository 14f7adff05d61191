/** Whether a program's objects are all released or kept in maps: the question that is asked after each schedule, so it is cheap. */
import * as layout from '../../assembly/layout.ts';
import type { BpfMap } from '../kernel/bpf/maps/index.ts';
import type { KernelMemory, KernelObject } from '../kernel/memory.ts';
import { findLeaks } from '../kernel/reach.ts';

/** More places than this are not counted one by one. */
const MAX_PLACES = 4096;

export class Leaks {
  readonly #memory: KernelMemory;
  /** Places of kptrs; null: there are some that cannot be listed. */
  readonly #slots: readonly number[] | null;
  /** Objects on allocators' lists at the start: what programs will be given. */
  readonly #pool: readonly number[];
  readonly #end: number;

  constructor(memory: KernelMemory, maps: readonly BpfMap[]) {
    this.#memory = memory;
    this.#slots = slotsOf(maps);
    this.#end = memory.u32At(layout.MM_BRK);
    this.#pool = [...memory.objects()]
      .filter(({ tag, state }) => tag === layout.ALLOC_BPF_CPUMASK || tag === layout.ALLOC_BPF_OBJ || state === 0)
      .map(({ offset }) => offset);
  }

  /** Objects that nothing leads to any more. */
  find(): readonly KernelObject[] {
    return this.#balanced() ? [] : findLeaks(this.#memory).leaked;
  }

  /** Quick answer: are there as many references to masks as places that hold one? Then none is lost. */
  #balanced(): boolean {
    const memory = this.#memory;
    if (!this.#slots || memory.u32At(layout.MM_BRK) !== this.#end) return false;
    const words = memory.u32();
    const usage = memory.u32At(layout.M_BPF_CPUMASK_USAGE);
    let references = 0;
    for (const offset of this.#pool) {
      const header = offset - layout.OBJ_HEADER;
      if (words[(header + layout.OBJ_STATE) >> 2] !== layout.OBJ_LIVE) continue;
      if (words[(header + layout.OBJ_TAG) >> 2] !== layout.ALLOC_BPF_CPUMASK) return false;
      references += words[(offset + usage) >> 2] as number;
    }
    for (const slot of this.#slots) if (words[slot >> 2] !== 0) references--;
    return references === 0;
  }
}

/** Where arrays keep kptrs; null when a map of another kind has some, or objects that may hold more. */
function slotsOf(maps: readonly BpfMap[]): number[] | null {
  const slots: number[] = [];
  for (const map of maps) {
    if (map.kptrOffsets.length === 0) continue;
    if (map.type !== 'array' || map.maxEntries * map.kptrOffsets.length > MAX_PLACES) return null;
    for (let i = 0; i < map.maxEntries; i++) {
      for (const offset of map.kptrOffsets) slots.push(map.valueOffset(i) + offset);
    }
  }
  return slots;
}
