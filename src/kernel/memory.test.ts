import { describe, expect, it } from 'vitest';
import { ALLOC_BUFFER, OBJ_FREE, OBJ_LIVE, OBJ_QUARANTINE } from '../../assembly/layout.ts';
import { testMemory } from '../../test/support/memory.ts';

const create = (cpus = 4, memoryLimit = 64 << 20) => testMemory({ cpus, memoryLimit });

describe('KernelMemory', () => {
  it('starts with CPU 0 current and every CPU possible, present and online', () => {
    const memory = create(11);
    expect(memory.cpu).toBe(0);
    memory.setCpu(10);
    expect(memory.cpu).toBe(10);
    expect(() => memory.setCpu(11)).toThrow('this machine has CPUs 0-10');
    const online = memory.u32At(0x10048);
    expect([...memory.read(online, 3)]).toEqual([0xff, 0x07, 0]);
  });

  it('hands out zeroed memory whose bytes alone may be accessed', () => {
    const memory = create();
    const { exports } = memory;
    for (const size of [1, 7, 8, 9, 16, 100, 128, 129, 160, 161, 1000, 65536, 65537, 1 << 20]) {
      const p = memory.kmalloc(size, ALLOC_BUFFER);
      expect(memory.read(p, size).every((byte) => byte === 0)).toBe(true);
      expect(exports.kasan_ok(p, size, 1)).toBe(1);
      expect(exports.kasan_ok(p, size + 1, 0)).toBe(0);
      expect(exports.kasan_ok(p - 1, 1, 0)).toBe(0);
      expect(exports.kasan_ok(p + size, 1, 0)).toBe(0);
      exports.kfree(p);
      expect(exports.kasan_ok(p, 1, 0)).toBe(0);
      expect([OBJ_QUARANTINE, OBJ_FREE]).toContain(memory.objectHeader(p).state);
    }
  });

  it('never gives two live objects the same bytes, and enumerates them', () => {
    const memory = create();
    const live = new Map<number, number>();
    let random = 12345;
    for (let i = 0; i < 3000; i++) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      if (live.size > 100) {
        const [first] = live.keys();
        if (first === undefined) continue;
        live.delete(first);
        memory.exports.kfree(first);
      }
      const size = (random >>> 8) % (i % 50 === 0 ? 200_000 : 700);
      live.set(memory.kmalloc(size, ALLOC_BUFFER), size);
    }
    const sorted = [...live].sort(([a], [b]) => a - b);
    for (const [i, [offset, size]] of sorted.entries()) {
      const next = sorted[i + 1];
      if (next) expect(offset + size).toBeLessThanOrEqual(next[0]);
    }
    const seen = [...memory.objects()].filter((object) => object.state === OBJ_LIVE && object.tag === ALLOC_BUFFER);
    expect(seen.map((object) => [object.offset, object.size])).toEqual(sorted);
  });

  it('gives 0 when memory is out and serves again after frees', () => {
    const memory = create(1, 8 << 20);
    const all: number[] = [];
    for (;;) {
      const p = memory.exports.kmalloc(30_000, ALLOC_BUFFER);
      if (p === 0) break;
      all.push(p);
    }
    expect(all.length).toBeGreaterThan(150);
    expect(() => memory.kmalloc(30_000, ALLOC_BUFFER)).toThrow('do not fit');
    for (const p of all) memory.exports.kfree(p);
    for (let i = 0; i < all.length; i++) expect(memory.exports.kmalloc(30_000, ALLOC_BUFFER)).not.toBe(0);
  });

  it('addresses are offsets in the direct map; NULL is NULL', () => {
    const memory = create();
    expect(memory.address(0x1234)).toBe(0xffff888000001234n);
    expect(memory.offset(0xffff888000001234n)).toBe(0x1234);
    expect(memory.address(0)).toBe(0n);
  });
});
