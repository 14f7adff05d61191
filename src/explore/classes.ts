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
    const first = (offset - layout.OBJ_HEADER) >> x.GRANULE_SHIFT;
    const last = (offset + size - 1) >> x.GRANULE_SHIFT;
    classes.fill(x.CLASS_PRIVATE, table + first, table + last + 1);
  }
}
