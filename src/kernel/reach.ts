/**
 * References that nobody can give back any more. Each counted object has as many as its count says; places that hold one are
 * fields of map values and of objects that programs made. What is more than the places is lost, unless a program that still runs has it.
 */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import * as layout from '../../assembly/layout.ts';
import { mapsWithFields, valuesOf } from './bpf/maps/values.ts';
import type { KernelMemory, KernelObject } from './memory.ts';

/** What programs allocate. */
const MADE: ReadonlySet<number> = new Set([layout.ALLOC_BPF_CPUMASK, layout.ALLOC_BPF_OBJ]);

/** A place that holds a reference. */
export interface Holder {
  /** Offset of the field in memory. */
  readonly at: number;
  /** Offset of the map whose value it is in; 0: it is in an object that a program made. */
  readonly map: number;
}

export interface LostReferences extends KernelObject {
  /** References that there are. */
  readonly refs: number;
  /** Those of them that no place holds; 0: what holds them is lost itself. */
  readonly lost: number;
  /** No map leads to it. */
  readonly unreachable: boolean;
}

export interface Reachability {
  /** Objects that programs made and that are alive. */
  readonly live: readonly KernelObject[];
  /** Objects with references that are lost: what programs made, and tasks. */
  readonly leaked: readonly LostReferences[];
  /** Places that hold an object, by its offset. */
  readonly holders: ReadonlyMap<number, readonly Holder[]>;
}

/** A field that can hold references. */
export interface HoldingField {
  readonly type: number;
  readonly offset: number;
  readonly dtor: number;
  readonly nodeOffset: number;
}

const HOLDING = map.BPF_KPTR_REF | map.BPF_LIST_HEAD | map.BPF_RB_ROOT;
/** Members of bpf_list_node (and of its head) and bpf_rb_node. */
const LIST_NEXT = 0;
const [RB_TOP, RB_RIGHT, RB_LEFT] = [0, 8, 16];

/** Fields of a struct btf_record that can hold references. */
export function holdingFields(memory: KernelMemory, record: number): readonly HoldingField[] {
  if (record === 0) return [];
  const fields = Array.from({ length: memory.u32At(record + map.BR_COUNT) }, (_, i) => {
    const at = record + map.BR_FIELDS + i * map.BTF_FIELD_SIZE;
    return {
      type: memory.u32At(at + map.BF_TYPE),
      offset: memory.u32At(at + map.BF_OFFSET),
      dtor: memory.u32At(at + map.BF_DTOR),
      nodeOffset: memory.u32At(at + map.BF_NODE_OFF),
    };
  });
  return fields.filter(({ type }) => type & HOLDING);
}

/** The whole machine; objects that were made from outside (no program) count as live, never as leaked. */
export function findLeaks(memory: KernelMemory): Reachability {
  const live: KernelObject[] = [];
  const counted: KernelObject[] = [];
  for (const object of memory.objects()) {
    if (object.state !== layout.OBJ_LIVE) continue;
    if (MADE.has(object.tag)) live.push(object);
    if (MADE.has(object.tag) || object.tag === layout.ALLOC_TASK) counted.push(object);
  }
  const walk = new Walk(memory, counted);
  walk.maps();
  const reached = new Set(walk.holders.keys());
  // What lost objects hold is counted too: only they themselves are lost.
  for (const { offset, tag } of live) if (tag === layout.ALLOC_BPF_OBJ) walk.object(offset);
  const leaked = counted.flatMap((object) => {
    const isTask = object.tag === layout.ALLOC_TASK;
    const refs = references(memory, object);
    const lost = Math.max(0, refs - (isTask ? 1 : 0) - (walk.holders.get(object.offset)?.length ?? 0));
    const unreachable = !isTask && !reached.has(object.offset);
    if (!(unreachable || lost > 0) || (!isTask && object.allocSite === 0)) return [];
    return [{ ...object, refs, lost, unreachable }];
  });
  return { live, leaked, holders: walk.holders };
}

/** What the count of an object says; 1 for those without. A living task has one of its own. */
export function references(memory: KernelMemory, { offset, tag }: Pick<KernelObject, 'offset' | 'tag'>): number {
  if (tag === layout.ALLOC_BPF_CPUMASK) return memory.u32At(offset + memory.u32At(layout.M_BPF_CPUMASK_USAGE));
  if (tag === layout.ALLOC_TASK) {
    const users = memory.u32At(map.M_TASK_RCU_USERS);
    return users === map.NO_FIELD ? 1 : memory.u32At(offset + users);
  }
  const record = recordOf(memory, offset);
  const count = record === 0 ? map.NO_FIELD : memory.u32At(record + map.BR_REFCOUNT_OFF);
  return count === map.NO_FIELD ? 1 : memory.u32At(offset + map.OBJ_PREFIX + count);
}

/** struct btf_record of a bpf_obj_new object, whose struct local_type is before it; 0 when it has no special fields. */
function recordOf(memory: KernelMemory, offset: number): number {
  return memory.u32At(memory.u32At(offset) + map.LT_RECORD);
}

class Walk {
  readonly holders = new Map<number, Holder[]>();
  readonly #memory: KernelMemory;
  readonly #tags: ReadonlyMap<number, number>;
  readonly #fields = new Map<number, readonly HoldingField[]>();
  /** bpf_obj_new objects that were reached and whose fields were not looked at yet. */
  readonly #pending: number[] = [];
  readonly #seen = new Set<number>();

  constructor(memory: KernelMemory, objects: readonly KernelObject[]) {
    this.#memory = memory;
    this.#tags = new Map(objects.map(({ offset, tag }) => [offset, tag]));
  }

  maps(): void {
    for (const at of mapsWithFields(this.#memory)) {
      const fields = this.#fieldsOf(this.#memory.u32At(at + map.BM_RECORD));
      if (fields.length === 0) continue;
      for (const value of valuesOf(this.#memory, at)) this.#holds(fields, value, at);
    }
    this.#drain();
  }

  /** What an object holds, unless it was reached. */
  object(offset: number): void {
    this.#inside(offset);
    this.#drain();
  }

  #drain(): void {
    for (let offset = this.#pending.pop(); offset !== undefined; offset = this.#pending.pop()) this.#inside(offset);
  }

  #inside(offset: number): void {
    if (this.#seen.has(offset)) return;
    this.#seen.add(offset);
    this.#holds(this.#fieldsOf(recordOf(this.#memory, offset)), offset + map.OBJ_PREFIX, 0);
  }

  #fieldsOf(record: number): readonly HoldingField[] {
    const known = this.#fields.get(record);
    if (known) return known;
    const fields = holdingFields(this.#memory, record);
    this.#fields.set(record, fields);
    return fields;
  }

  #holds(fields: readonly HoldingField[], value: number, owner: number): void {
    for (const { type, offset, dtor, nodeOffset } of fields) {
      const holder = { at: value + offset, map: owner };
      if (type === map.BPF_KPTR_REF) {
        const target = this.#pointer(holder.at);
        if (target) this.#note(dtor === map.DTOR_LOCAL ? target - map.OBJ_PREFIX : target, holder);
      } else {
        const nodes = type === map.BPF_LIST_HEAD ? this.#listed(holder.at) : this.#treed(holder.at);
        for (const node of nodes) this.#note(node - nodeOffset - map.OBJ_PREFIX, holder);
      }
    }
  }

  #note(target: number, holder: Holder): void {
    const tag = this.#tags.get(target);
    if (tag === undefined) return;
    const known = this.holders.get(target);
    if (known) {
      known.push(holder);
      return;
    }
    this.holders.set(target, [holder]);
    if (tag === layout.ALLOC_BPF_OBJ) this.#pending.push(target);
  }

  /** The offset that a field names; 0 when it is no address of the heap. */
  #pointer(at: number): number {
    const words = this.#memory.u32();
    return words[(at >>> 2) + 1] === layout.KERNEL_BASE_HI ? (words[at >>> 2] as number) & ~3 : 0;
  }

  /** Nodes of a list. Programs that the verifier refused may have broken it: no more than there are objects. */
  *#listed(head: number): Generator<number> {
    let node = this.#pointer(head + LIST_NEXT);
    for (let left = this.#tags.size; left > 0 && node !== 0 && node !== head; left--) {
      yield node;
      node = this.#pointer(node + LIST_NEXT);
    }
  }

  *#treed(root: number): Generator<number> {
    const pending = [this.#pointer(root + RB_TOP)];
    for (let left = this.#tags.size; left > 0; ) {
      const node = pending.pop();
      if (node === undefined) return;
      if (node === 0) continue;
      left--;
      yield node;
      pending.push(this.#pointer(node + RB_RIGHT), this.#pointer(node + RB_LEFT));
    }
  }
}
