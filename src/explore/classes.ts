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
