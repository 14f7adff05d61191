import { describe, expect, it } from 'vitest';
import { createFaults } from '../../../src/kernel/fault.ts';
import type { KernelMemory } from '../../../src/kernel/memory.ts';
import { createRcu } from '../../../src/kernel/rcu.ts';
import { readWarnings } from '../../../src/kernel/warnings.ts';
import { testMemory } from '../../../test/support/memory.ts';
import {
  ALLOC_BPF_CPUMASK,
  ALLOC_BPF_OBJ,
  ALLOC_BUFFER,
  ALLOC_MAP,
  ALLOC_MAP_ELEM,
  M_CPUMASK_MA,
  M_GLOBAL_MA,
  MA_CACHES,
  MC_FREE_CNT,
  MC_HIGH,
  MC_LOW,
  MC_SIZE,
  MC_UNIT_SIZE,
  MM_OBJECTS,
  OBJ_CACHED,
  OBJ_HEADER,
  OBJ_LINK,
  OBJ_LIVE,
  OBJ_RCU,
  PC_SITE,
} from '../../layout.ts';
import { LOCAL_TYPE_SIZE } from './map_layout.ts';

const stateOf = (memory: KernelMemory, p: number) => memory.objectHeader(p).state;

/** Fields of the cache that serves masks on a CPU. */
function maskCache(memory: KernelMemory, cpu = 0) {
  const cache = memory.u32At(memory.u32At(M_CPUMASK_MA) + MA_CACHES) + cpu * MC_SIZE;
  const at = (field: number) => memory.u32At(cache + field);
  return { unit: at(MC_UNIT_SIZE), low: at(MC_LOW), high: at(MC_HIGH), free: at(MC_FREE_CNT) };
}

describe('watermarks', () => {
  it.each([
    // NR_CPUS, unit size, low, high, free after the first create: prefill - 1 + batch
    { nrCpus: 64, unit: 24, low: 32, high: 96, free: 3 + 48 },
    { nrCpus: 1024, unit: 144, low: 32, high: 96, free: 3 + 48 },
    { nrCpus: 4096, unit: 528, low: 15, high: 46, free: 0 + 21 },
    { nrCpus: 8192, unit: 1040, low: 7, high: 23, free: 0 + 12 },
  ])('follow the unit size at NR_CPUS $nrCpus', ({ nrCpus, ...want }) => {
    const memory = testMemory({ cpus: 2, nrCpus });
    memory.exports.bpf_cpumask_create();
    expect(maskCache(memory)).toEqual(want);
    expect(maskCache(memory, 1).unit).toBe(0);
  });

  it('hold the free list between them', () => {
    const memory = testMemory({ nrCpus: 64 });
    const { exports } = memory;
    const ma = memory.u32At(M_CPUMASK_MA);
    const masks = Array.from({ length: 300 }, () => exports.bpf_mem_cache_alloc(ma));
    for (let i = 0; i < masks.length; i++) {
      exports.bpf_mem_cache_free(ma, masks[i] ?? 0);
      const { free, high } = maskCache(memory);
      expect(free).toBeLessThanOrEqual(high);
    }
    // The last trim went to the middle, 64; the frees after it stay.
    expect(maskCache(memory).free).toBeGreaterThanOrEqual(64);
    for (let i = 0; i < 300; i++) {
      exports.bpf_mem_cache_alloc(ma);
      expect(maskCache(memory).free).toBeGreaterThanOrEqual(32);
    }
  });

  it('with interrupts off the list runs dry, and is full again when they come on', () => {
    const memory = testMemory({ nrCpus: 64 });
    const { exports } = memory;
    exports.local_irq_save();
    const got = Array.from({ length: 6 }, () => exports.bpf_cpumask_create() !== 0);
    expect(got).toEqual([true, true, true, true, false, false]);
    exports.local_irq_save();
    exports.local_irq_restore();
    expect(exports.bpf_cpumask_create()).toBe(0);
    exports.local_irq_restore();
    expect(exports.bpf_cpumask_create()).not.toBe(0);
  });

  it('delayed irq_work leaves the list dry until it runs', () => {
    const memory = testMemory({ nrCpus: 64 });
    const rcu = createRcu(memory);
    rcu.irqWorkDelayed = true;
    const got = Array.from({ length: 5 }, () => memory.exports.bpf_cpumask_create() !== 0);
    expect(got).toEqual([true, true, true, true, false]);
    rcu.runIrqWork(0);
    expect(memory.exports.bpf_cpumask_create()).not.toBe(0);
  });
});

describe('allocation', () => {
  it('zeroes what it hands out again', () => {
    const memory = testMemory({ memoryLimit: 8 << 20 });
    const { exports } = memory;
    const used = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const mask = exports.bpf_cpumask_create();
      expect(memory.read(mask, 1024).every((byte) => byte === 0)).toBe(true);
      expect(memory.u32At(mask + 1024)).toBe(1);
      expect(exports.kasan_ok(mask, 1032, 1)).toBe(1);
      expect(exports.kasan_ok(mask, 1033, 0)).toBe(0);
      memory.u8().fill(0xff, mask, mask + 1024);
      exports.bpf_cpumask_release(mask);
      used.add(mask);
    }
    expect(used.size).toBeLessThan(500);
  });

  it('hands out what only a tasks-trace grace period still holds', () => {
    const memory = testMemory({ cpus: 2 });
    const { exports } = memory;
    const rcu = createRcu(memory);
    const freed = [exports.bpf_cpumask_create(), exports.bpf_cpumask_create()];
    rcu.readLockTrace(1);
    // The first is on its way back to kmalloc when the reader ends; the second waits for its turn.
    for (const mask of freed) exports.bpf_cpumask_release(mask);
    expect(rcu.pending).toBe(1);
    const handedOut = Array.from({ length: 24 }, () => exports.bpf_cpumask_create());
    expect(freed.filter((mask) => handedOut.includes(mask))).toEqual(freed);
    const before = memory.u32At(MM_OBJECTS);
    rcu.readUnlockTrace(1);
    // Whoever has it now keeps it.
    expect(memory.u32At(MM_OBJECTS)).toBe(before);
    for (const mask of handedOut) expect(stateOf(memory, mask)).toBe(OBJ_LIVE);
  });

  it('gives NULL when memory is out, and works again after releases', () => {
    const memory = testMemory({ cpus: 1, memoryLimit: 8 << 20 });
    const { exports } = memory;
    const masks: number[] = [];
    for (;;) {
      const mask = exports.bpf_cpumask_create();
      if (mask === 0) break;
      masks.push(mask);
    }
    expect(masks.length).toBeGreaterThan(4000);
    expect(new Set(masks).size).toBe(masks.length);
    for (const mask of masks) exports.bpf_cpumask_release(mask);
    for (let i = 0; i < 4000; i++) expect(exports.bpf_cpumask_create()).not.toBe(0);
  });

  it('knows the site of an object by its newest allocation', () => {
    const memory = testMemory({ memoryLimit: 8 << 20 });
    const { exports } = memory;
    const site = memory.percpu(0) + PC_SITE;
    const seen = new Map<number, number>();
    for (let i = 1; i <= 2000; i++) {
      memory.setU32(site, i);
      const mask = exports.bpf_cpumask_create();
      expect(memory.objectHeader(mask)).toMatchObject({
        allocSite: i,
        freeSite: 0,
        tag: ALLOC_BPF_CPUMASK,
        size: 1032,
      });
      memory.setU32(site, 100_000 + i);
      exports.bpf_cpumask_release(mask);
      expect(memory.objectHeader(mask).freeSite).toBe(100_000 + i);
      seen.set(mask, (seen.get(mask) ?? 0) + 1);
    }
    expect(Math.max(...seen.values())).toBeGreaterThan(1);
  });

  it('serves sizes from the cache that the kernel would take', () => {
    const { exports } = testMemory();
    const index = (size: number) => exports.bpf_mem_cache_idx(size);
    const caches = [96, 192, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
    for (let size = 1; size <= 4096; size++) {
      const smallest = Math.min(...caches.filter((cache) => cache >= size));
      expect(caches[index(size)]).toBe(smallest);
    }
    expect([index(0), index(4097)]).toEqual([-1, -1]);
  });

  it('without a fixed size bounds each object by what was asked for', () => {
    const memory = testMemory();
    const { exports } = memory;
    const ma = memory.u32At(M_GLOBAL_MA);
    for (const size of [1, 8, 24, 88, 100, 184, 1000, 4088]) {
      const p = exports.bpf_mem_alloc(ma, size);
      expect(memory.objectHeader(p)).toMatchObject({ size, tag: ALLOC_BPF_OBJ, state: OBJ_LIVE });
      expect([exports.kasan_ok(p, size, 1), exports.kasan_ok(p, size + 1, 1)]).toEqual([1, 0]);
      exports.bpf_mem_free(ma, p);
      expect(stateOf(memory, p)).toBe(OBJ_CACHED);
    }
    expect(exports.bpf_mem_alloc(ma, 4089)).toBe(0);
    const p = exports.bpf_mem_alloc(ma, 100);
    exports.rcu_read_lock();
    exports.bpf_mem_free_rcu(ma, p);
    expect(stateOf(memory, p)).toBe(OBJ_RCU);
    exports.rcu_read_unlock();
    expect(stateOf(memory, p)).not.toBe(OBJ_RCU);
  });

  it('frees once: the second time is a warning', () => {
    const memory = testMemory();
    const { exports } = memory;
    const ma = memory.u32At(M_CPUMASK_MA);
    const p = exports.bpf_mem_cache_alloc(ma);
    exports.bpf_mem_cache_free(ma, p);
    exports.bpf_mem_cache_free(ma, p);
    exports.kfree(p + 8192 * 1024);
    expect(readWarnings(memory).map((w) => w.text)).toEqual([
      expect.stringContaining('was freed twice'),
      expect.stringContaining('is no object'),
    ]);
  });
});

it('llist_add keeps what is on the list, in front of it', () => {
  const memory = testMemory();
  const { exports } = memory;
  const head = memory.kmalloc(8, ALLOC_BUFFER);
  const objects = [1, 2, 3].map(() => memory.kmalloc(16, ALLOC_BUFFER));
  for (const p of objects) exports.llist_add(head, p);
  const found: number[] = [];
  for (let p = memory.u32At(head); p !== 0; p = memory.u32At(p - OBJ_HEADER + OBJ_LINK)) found.push(p);
  expect(found).toEqual(objects.reverse());
});

describe('the end of an allocator', () => {
  it('gives everything back, at once or with the last grace period', () => {
    const memory = testMemory();
    const { exports } = memory;
    const objects = () => memory.u32At(MM_OBJECTS);
    const before = objects();
    const ma = exports.bpf_mem_alloc_init(48, ALLOC_MAP_ELEM);
    const elements = Array.from({ length: 10 }, () => exports.bpf_mem_cache_alloc(ma));
    for (const p of elements) exports.bpf_mem_cache_free(ma, p);
    exports.bpf_mem_alloc_destroy(ma);
    expect(objects()).toBe(before);

    const second = exports.bpf_mem_alloc_init(48, ALLOC_MAP_ELEM);
    const later = Array.from({ length: 3 }, () => exports.bpf_mem_cache_alloc(second));
    exports.rcu_read_lock();
    // The first waits for its grace period, the others for the next.
    for (const p of later) exports.bpf_mem_cache_free_rcu(second, p);
    exports.bpf_mem_alloc_destroy(second);
    expect(objects()).toBe(before + 2);
    exports.rcu_read_unlock();
    expect(objects()).toBe(before);
  });

  it('forgets irq_work that waits', () => {
    const memory = testMemory();
    const rcu = createRcu(memory);
    const ma = memory.exports.bpf_mem_alloc_init(48, ALLOC_MAP_ELEM);
    rcu.irqWorkDelayed = true;
    const p = memory.exports.bpf_mem_cache_alloc(ma);
    memory.exports.bpf_mem_cache_free(ma, p);
    memory.exports.bpf_cpumask_create();
    memory.exports.bpf_mem_alloc_destroy(ma);
    rcu.runIrqWork(0);
    expect(maskCache(memory).free).toBe(12);
    const elements = [...memory.objects()].filter(({ tag }) => tag === ALLOC_MAP_ELEM);
    expect(elements.filter(({ state }) => state === OBJ_CACHED || state === OBJ_LIVE)).toEqual([]);
  });
});

describe('fault injection', () => {
  it('fails the allocation that was named, once', () => {
    const memory = testMemory();
    const faults = createFaults(memory);
    faults.plan({ nth: 3 });
    const got = Array.from({ length: 6 }, () => memory.exports.bpf_cpumask_create() !== 0);
    expect(got).toEqual([true, true, false, true, true, true]);
    expect([faults.calls, faults.failed]).toEqual([6, 1]);
  });

  it('counts one kind of object only', () => {
    const memory = testMemory();
    const faults = createFaults(memory);
    faults.plan({ nth: 2, kind: 'create' });
    const type = memory.kmalloc(LOCAL_TYPE_SIZE, ALLOC_MAP);
    for (let i = 0; i < 5; i++) expect(memory.exports.local_obj_new(type)).not.toBe(0);
    expect(memory.exports.bpf_cpumask_create()).not.toBe(0);
    expect(memory.exports.bpf_cpumask_create()).toBe(0);
    expect(faults.calls).toBe(2);
  });

  it('fails a share of them, the same ones for the same seed', () => {
    const failures = (seed: number) => {
      const memory = testMemory({ seed });
      createFaults(memory).plan({ rate: 0.25 });
      return Array.from({ length: 400 }, () => {
        const mask = memory.exports.bpf_cpumask_create();
        if (mask) memory.exports.bpf_cpumask_release(mask);
        return mask === 0;
      });
    };
    const first = failures(1);
    const count = first.filter(Boolean).length;
    expect(count).toBeGreaterThan(60);
    expect(count).toBeLessThan(140);
    expect(failures(1)).toEqual(first);
    expect(failures(2)).not.toEqual(first);
  });

  it('all of them at rate 1, none at 0', () => {
    const memory = testMemory();
    const faults = createFaults(memory);
    faults.plan({ rate: 1 });
    for (let i = 0; i < 50; i++) expect(memory.exports.bpf_cpumask_create()).toBe(0);
    faults.plan({});
    for (let i = 0; i < 50; i++) expect(memory.exports.bpf_cpumask_create()).not.toBe(0);
  });
});
