/** CLASS_ of granules before anybody has run: what is nobody else's business. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import * as layout from '../../assembly/layout.ts';
import type { KernelMemory } from '../kernel/memory.ts';

/** What only its own thread looks at, or the control plane. */
const PRIVATE: ReadonlySet<number> = new Set([
  layout.ALLOC_PROG,
  layout.ALLOC_STACK,
  layout.ALLOC_MEM_CACHE,
  layout.ALLOC_BUFFER,
  layout.ALLOC_KERNEL,
]);

/** What two programs share, as a number: equal where the same granules are. */
export function sharedDigest(memory: KernelMemory, table: number, granules: number): number {
  const classes = memory.u8().subarray(table, table + granules);
  let digest = 0;
  for (let at = classes.indexOf(x.CLASS_SHARED); at >= 0; at = classes.indexOf(x.CLASS_SHARED, at + 1)) {
    digest = (Math.imul(digest, 31) + at) >>> 0;
  }
  return digest;
}

/** Fills the table at `table`. */
export function classify(memory: KernelMemory, table: number): void {
  const classes = memory.u8();
  const percpu = memory.u32At(layout.M_PERCPU);
  for (const { offset, size, tag, state } of memory.objects()) {
    if (state === layout.OBJ_FREE || !(PRIVATE.has(tag) || offset === percpu)) continue;
    // Whole granules only: the end of one is often the header of the next object, and its beginning the end of the one before.
    const from = Math.ceil((offset - layout.OBJ_HEADER) / x.GRANULE);
    const end = (offset + size) >> x.GRANULE_SHIFT;
    if (from < end) classes.fill(x.CLASS_PRIVATE, table + from, table + end);
  }
}
