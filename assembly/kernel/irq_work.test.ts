import { describe, expect, it } from 'vitest';
import { createRcu } from '../../src/kernel/rcu.ts';
import { testMemory } from '../../test/support/memory.ts';
import { ALLOC_MAP_ELEM, IRQ_WORK_MEM_REFILL, MA_CACHES, MC_FREE_CNT, MC_IRQ_WORK } from '../layout.ts';

/** A machine whose irq_work waits, and the refill work of three caches that are down to nothing. */
function waiting() {
  const memory = testMemory({ nrCpus: 64 });
  const { exports } = memory;
  const rcu = createRcu(memory);
  rcu.irqWorkDelayed = true;
  const caches = [16, 32, 48].map((size) => {
    const ma = exports.bpf_mem_alloc_init(size, ALLOC_MAP_ELEM);
    exports.bpf_mem_cache_alloc(ma);
    return memory.u32At(ma + MA_CACHES);
  });
  // What their first allocation queued.
  rcu.runIrqWork(0);
  for (const cache of caches) memory.setU32(cache + MC_FREE_CNT, 0);
  const works = caches.map((cache) => cache + MC_IRQ_WORK) as [number, number, number];
  for (const work of works) expect(memory.u32At(work + 4)).toBe(IRQ_WORK_MEM_REFILL);
  return { memory, exports, rcu, works, ran: () => caches.map((cache) => memory.u32At(cache + MC_FREE_CNT) > 0) };
}

describe('irq_work_queue', () => {
  it('queues what is queued already only once, and loses nothing behind it', () => {
    const { exports, rcu, works, ran } = waiting();
    const [a, b, c] = works;
    expect([a, b, a, b, c].map((work) => exports.irq_work_queue(work))).toEqual([1, 1, 0, 0, 1]);
    expect(ran()).toEqual([false, false, false]);
    rcu.runIrqWork(0);
    expect(ran()).toEqual([true, true, true]);
    expect(exports.irq_work_queue(a)).toBe(1);
  });

  it('waits for its own CPU', () => {
    const { exports, rcu, works, ran } = waiting();
    exports.irq_work_queue(works[0]);
    rcu.runIrqWork(1);
    expect(ran()).toEqual([false, false, false]);
    rcu.runIrqWork(0);
    expect(ran()).toEqual([true, false, false]);
  });
});

describe('irq_work_cancel', () => {
  it.each([0, 1, 2])('takes number %i of three off the queue, and that one only', (gone) => {
    const { exports, rcu, works, ran } = waiting();
    for (const work of works) exports.irq_work_queue(work);
    exports.irq_work_cancel(works[gone] ?? 0, exports.this_cpu());
    rcu.runIrqWork(0);
    expect(ran()).toEqual([0, 1, 2].map((i) => i !== gone));
    // It can be queued again, and so can others behind it.
    expect(works.map((work) => exports.irq_work_queue(work))).toEqual([1, 1, 1]);
    rcu.runIrqWork(0);
    expect(ran()).toEqual([true, true, true]);
  });

  it.each([[[0]], [[0, 1]], [[1, 0]]])('leaves a queue of %j that work can be added to', (queued) => {
    const { exports, rcu, works, ran } = waiting();
    for (const i of queued) exports.irq_work_queue(works[i] ?? 0);
    exports.irq_work_cancel(works[0], exports.this_cpu());
    exports.irq_work_queue(works[2]);
    rcu.runIrqWork(0);
    expect(ran()).toEqual([false, queued.includes(1), true]);
  });

  it('of what another CPU has queued does nothing', () => {
    const { memory, exports, rcu, works, ran } = waiting();
    exports.irq_work_queue(works[0]);
    memory.on(1, () => exports.irq_work_queue(works[1]));
    exports.irq_work_cancel(works[1], memory.percpu(0));
    expect(exports.irq_work_queue(works[1])).toBe(0);
    rcu.runIrqWork(0);
    expect(ran()).toEqual([true, false, false]);
    rcu.runIrqWork(1);
    expect(ran()).toEqual([true, true, false]);
  });

  it('of what is not queued does nothing', () => {
    const { exports, rcu, works, ran } = waiting();
    exports.irq_work_queue(works[1]);
    exports.irq_work_cancel(works[0], exports.this_cpu());
    rcu.runIrqWork(0);
    expect(ran()).toEqual([false, true, false]);
  });
});
