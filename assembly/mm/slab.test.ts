import { describe, expect, it } from 'vitest';
import { readWarnings } from '../../src/kernel/warnings.ts';
import { testMemory } from '../../test/support/memory.ts';
import { ALLOC_BUFFER, MM_BRK, MM_BYTES, MM_OBJECTS, OBJ_HEADER, OBJ_QUARANTINE } from '../layout.ts';

const counters = (memory: ReturnType<typeof testMemory>) => [memory.u32At(MM_OBJECTS), memory.u32At(MM_BYTES)];

describe('kmalloc', () => {
  it.each([1, 24, 100, 1000, 5000, 70_000])('zeroes %i bytes that somebody used before', (size) => {
    const memory = testMemory({ memoryLimit: 4 << 20 });
    const { exports } = memory;
    const seen = new Set<number>();
    let reused = 0;
    for (let i = 0; i < 5000 && reused < 3; i++) {
      const p = memory.kmalloc(size, ALLOC_BUFFER);
      expect(memory.read(p, size).every((byte) => byte === 0)).toBe(true);
      if (seen.has(p)) reused++;
      seen.add(p);
      memory.u8().fill(0xff, p, p + size);
      exports.kfree(p);
    }
    expect(reused).toBe(3);
  });

  it('zeroes what is split off a large block', () => {
    const memory = testMemory({ memoryLimit: 4 << 20 });
    const { exports } = memory;
    const whole = memory.kmalloc(1 << 20, ALLOC_BUFFER);
    memory.u8().fill(0xff, whole, whole + (1 << 20));
    // Zeroes where the header of what is split off will be, as of a block that was never used.
    for (let at = whole; at < whole + (1 << 20); at += 4096) memory.u8().fill(0, at, at + OBJ_HEADER);
    exports.kfree(whole);
    const parts = [0, 1].map(() => memory.kmalloc(300_000, ALLOC_BUFFER));
    for (const part of parts) {
      expect(part - whole).toBeLessThan(1 << 20);
      expect(part).toBeGreaterThanOrEqual(whole);
      expect(memory.read(part, 300_000).every((byte) => byte === 0)).toBe(true);
    }
  });

  it('gives 0 for sizes that no memory has, and goes on', () => {
    const memory = testMemory({ memoryLimit: 4 << 20 });
    const { exports } = memory;
    const before = [...counters(memory), memory.u32At(MM_BRK)];
    for (const size of [4 << 20, 0x7fffffff, 0x80000000, 0xfff00000, 0xffffe000, 0xfffff000, 0xffffffe0, 0xffffffff]) {
      expect(exports.kmalloc(size, ALLOC_BUFFER)).toBe(0);
    }
    expect([...counters(memory), memory.u32At(MM_BRK)]).toEqual(before);
    expect(exports.kmalloc(1000, ALLOC_BUFFER)).not.toBe(0);
  });
});

describe('kfree', () => {
  it('of a freed object warns and changes nothing', () => {
    const memory = testMemory();
    const { exports } = memory;
    const [p, other] = [memory.kmalloc(100, ALLOC_BUFFER), memory.kmalloc(100, ALLOC_BUFFER)];
    exports.kfree(p);
    const before = counters(memory);
    exports.kfree(p);
    exports.kfree(p);
    expect(counters(memory)).toEqual(before);
    expect(readWarnings(memory).map((w) => w.text)).toEqual([
      `object at offset 0x${p.toString(16)} was freed twice`,
      `object at offset 0x${p.toString(16)} was freed twice`,
    ]);
    expect(memory.objectHeader(p).state).toBe(OBJ_QUARANTINE);
    exports.kfree(other);
    expect(counters(memory)[0]).toBe((before[0] ?? 0) - 1);
  });

  it('of NULL is fine, of what is no object a warning', () => {
    const memory = testMemory();
    const { exports } = memory;
    const before = counters(memory);
    exports.kfree(0);
    expect(readWarnings(memory)).toEqual([]);
    exports.kfree(64);
    exports.kfree(memory.u32At(MM_BRK));
    expect(readWarnings(memory).length).toBe(2);
    expect(counters(memory)).toEqual(before);
  });
});
