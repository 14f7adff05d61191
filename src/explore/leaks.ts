/** Whether each reference has a place that holds it: the question that is asked after each schedule, so it is cheap. */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import * as layout from '../../assembly/layout.ts';
import { type FixedValues, fixedValuesOf, mapsWithFields } from '../kernel/bpf/maps/values.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import { findLeaks, type HoldingField, holdingFields, type LostReferences } from '../kernel/reach.ts';

/** More places than this are not counted one by one. */
const MAX_PLACES = 4096;
/** Headers and the least object are more than 1 << this: no two objects have one number. */
const NUMBER_SHIFT = 5;

export class Leaks {
  readonly #memory: KernelMemory;
  /** Places of kptrs to masks and tasks; null: there are some that cannot be listed. */
  readonly #slots: readonly number[] | null;
  /** Words that change when there are more places, and what they are at the start. */
  readonly #chunks: readonly (readonly [number, number])[];
  /** Objects that are free at the start, or that programs made: what programs will be given. */
  readonly #pool: readonly number[];
  readonly #tasks: readonly number[];
  readonly #users: number;
  readonly #end: number;
  readonly #heap: number;
  /** Places that hold each object, by its number; zero between two questions. */
  readonly #held: Int32Array;

  constructor(memory: KernelMemory) {
    this.#memory = memory;
    this.#heap = memory.u32At(layout.M_HEAP);
    this.#end = memory.u32At(layout.MM_BRK);
    const maps = [...mapsWithFields(memory)].map((at) => ({
      fields: holdingFields(memory, memory.u32At(at + map.BM_RECORD)),
      fixed: fixedValuesOf(memory, at),
    }));
    this.#slots = slotsOf(maps);
    this.#chunks = maps.flatMap(({ fixed }) => (fixed?.chunks ? [[fixed.chunks, memory.u32At(fixed.chunks)]] : []));
    const objects = [...memory.objects()];
    this.#pool = objects
      .filter(({ tag, state }) => state !== layout.OBJ_LIVE || isMade(tag))
      .map(({ offset }) => offset);
    this.#users = memory.u32At(map.M_TASK_RCU_USERS);
    this.#tasks = objects
      .filter(
        ({ tag, state }) => state === layout.OBJ_LIVE && tag === layout.ALLOC_TASK && this.#users !== map.NO_FIELD,
      )
      .map(({ offset }) => offset);
    this.#held = new Int32Array((this.#end - this.#heap) >>> NUMBER_SHIFT);
  }

  /** Objects with references that are lost. */
  find(): readonly LostReferences[] {
    return this.#balanced() ? [] : findLeaks(this.#memory).leaked;
  }

  /** Quick answer: has each object as many references as there are places that hold it? Then none is lost. */
  #balanced(): boolean {
    const memory = this.#memory;
    const slots = this.#slots;
    if (!slots || memory.u32At(layout.MM_BRK) !== this.#end) return false;
    for (const [at, value] of this.#chunks) if (memory.u32At(at) !== value) return false;
    const words = memory.u32();
    const held = this.#held;
    for (const slot of slots) {
      const target = words[slot >>> 2] as number;
      if (target !== 0) (held[(target - this.#heap) >>> NUMBER_SHIFT] as number)++;
    }
    const balanced = this.#agrees(words);
    for (const slot of slots) {
      const target = words[slot >>> 2] as number;
      if (target !== 0) held[(target - this.#heap) >>> NUMBER_SHIFT] = 0;
    }
    return balanced;
  }

  #agrees(words: Uint32Array): boolean {
    const held = this.#held;
    const heap = this.#heap;
    const usage = this.#memory.u32At(layout.M_BPF_CPUMASK_USAGE);
    for (const offset of this.#pool) {
      const header = offset - layout.OBJ_HEADER;
      if (words[(header + layout.OBJ_STATE) >>> 2] !== layout.OBJ_LIVE) continue;
      const tag = words[(header + layout.OBJ_TAG) >>> 2];
      // What objects hold is not counted here.
      if (tag === layout.ALLOC_BPF_OBJ) return false;
      if (tag !== layout.ALLOC_BPF_CPUMASK) continue;
      if (words[(offset + usage) >>> 2] !== held[(offset - heap) >>> NUMBER_SHIFT]) return false;
    }
    for (const offset of this.#tasks) {
      const others = (words[(offset + this.#users) >>> 2] as number) - 1;
      if (others !== held[(offset - heap) >>> NUMBER_SHIFT]) return false;
    }
    return true;
  }
}

function isMade(tag: number): boolean {
  return tag === layout.ALLOC_BPF_CPUMASK || tag === layout.ALLOC_BPF_OBJ;
}

interface MapPlaces {
  readonly fields: readonly HoldingField[];
  readonly fixed: FixedValues | null;
}

/** Where maps keep kptrs to masks and tasks; null when it changes where, or when there are many. */
function slotsOf(maps: readonly MapPlaces[]): number[] | null {
  const slots: number[] = [];
  for (const { fields, fixed } of maps) {
    const offsets = fields.filter(({ dtor }) => dtor === map.DTOR_CPUMASK || dtor === map.DTOR_TASK);
    if (offsets.length === 0) continue;
    if (!fixed) return null;
    for (const value of fixed.values) {
      for (const { offset } of offsets) slots.push(value + offset);
      if (slots.length > MAX_PLACES) return null;
    }
  }
  return slots;
}
