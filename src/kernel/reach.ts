/**
 * Objects that programs made and nobody can find any more: like kmemleak, a scan of what maps and storages hold for
 * addresses of live objects.
 */
import * as layout from '../../assembly/layout.ts';
import type { KernelMemory, KernelObject } from './memory.ts';

/** What programs allocate. */
const MADE: ReadonlySet<number> = new Set([layout.ALLOC_BPF_CPUMASK, layout.ALLOC_BPF_OBJ]);
/** Where references may be kept. */
const ROOTS: ReadonlySet<number> = new Set([layout.ALLOC_MAP, layout.ALLOC_MAP_ELEM, layout.ALLOC_LOCAL_STORAGE]);

export interface Reachability {
  /** Objects that programs made and that are alive. */
  readonly live: readonly KernelObject[];
  /** Those of them that no map leads to. */
  readonly leaked: readonly KernelObject[];
}

/** Looks at the whole heap; objects that were made from outside (no program) count as live, never as leaked. */
export function findLeaks(memory: KernelMemory): Reachability {
  const live: KernelObject[] = [];
  const pending: KernelObject[] = [];
  for (const object of memory.objects()) {
    if (object.state !== layout.OBJ_LIVE) continue;
    if (MADE.has(object.tag)) live.push(object);
    else if (ROOTS.has(object.tag)) pending.push(object);
  }
  if (live.length === 0) return { live, leaked: [] };
  const unseen = new Map(live.map((object) => [object.offset, object]));
  const starts = live.map((object) => object.offset);
  for (let object = pending.pop(); object && unseen.size; object = pending.pop()) {
    for (const address of addressesIn(memory, object)) {
      const found = containing(unseen, starts, address);
      if (!found) continue;
      unseen.delete(found.offset);
      pending.push(found);
    }
  }
  return { live, leaked: [...unseen.values()].filter((object) => object.allocSite !== 0) };
}

/** Offsets that the 8-byte words of an object name, where they are kernel addresses. */
function* addressesIn(memory: KernelMemory, { offset, size }: KernelObject): Generator<number> {
  const words = memory.u32();
  const end = (offset + size) >>> 2;
  for (let i = offset >>> 2; i + 1 < end; i += 2) {
    if (words[i + 1] === layout.KERNEL_BASE_HI) yield words[i] as number;
  }
}

/** The object that an address points to or into: list and tree nodes lie inside of theirs. */
function containing(
  unseen: ReadonlyMap<number, KernelObject>,
  starts: readonly number[],
  address: number,
): KernelObject | undefined {
  const exact = unseen.get(address);
  if (exact) return exact;
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= address) low = middle + 1;
    else high = middle;
  }
  const object = unseen.get(starts[low - 1] ?? -1);
  return object && address < object.offset + object.size ? object : undefined;
}
