import { expect, it } from 'vitest';
import { testMemory } from '../../test/support/memory.ts';
import { ALLOC_BUFFER, SHADOW_CTX, SHADOW_FREED, SHADOW_FULL, SHADOW_READONLY, SHADOW_REDZONE } from '../layout.ts';

const SIZES = [1, 7, 8, 9, 63, 64, 1000, 1032];

it.each(SIZES)('%i read-only bytes may be read to the last, and not written', (size) => {
  const memory = testMemory();
  const { exports } = memory;
  const p = memory.kmalloc(size, ALLOC_BUFFER);
  exports.kasan_unpoison_readonly(p, size);
  for (const [offset, length] of [
    [0, size],
    [0, 1],
    [size - 1, 1],
  ] as const) {
    expect([exports.kasan_ok(p + offset, length, 0), exports.kasan_ok(p + offset, length, 1)]).toEqual([1, 0]);
  }
  expect(exports.kasan_reason(p, size, 1) & SHADOW_READONLY).toBe(SHADOW_READONLY);
  expect(exports.kasan_ok(p, size + 1, 0)).toBe(0);
  exports.kasan_unpoison(p, size);
  expect(exports.kasan_ok(p, size, 1)).toBe(1);
});

it.each(SIZES)('an access of more than %i bytes is refused for what lies behind', (size) => {
  const memory = testMemory();
  const { exports } = memory;
  const p = memory.kmalloc(size, ALLOC_BUFFER);
  exports.kasan_poison(p + ((size + 7) & ~7), 8, SHADOW_REDZONE);
  for (let length = 1; length <= size; length++) expect(exports.kasan_ok(p + size - length, length, 1)).toBe(1);
  for (let length = 1; length <= size; length++) expect(exports.kasan_ok(p + size + 1 - length, length, 1)).toBe(0);
  exports.kfree(p);
  expect(exports.kasan_reason(p, 1, 0)).toBe(SHADOW_FREED);
});

it('one granule that is not whole refuses a long access, wherever it lies', () => {
  const memory = testMemory();
  const { exports } = memory;
  const size = 256;
  const p = memory.kmalloc(size, ALLOC_BUFFER);
  for (let at = 0; at < size; at += 8) {
    exports.kasan_poison(p + at, 8, 7);
    expect([at, exports.kasan_ok(p, size, 0), exports.kasan_ok(p, at + 7, 1)]).toEqual([at, 0, 1]);
    exports.kasan_poison(p + at, 8, SHADOW_FULL | SHADOW_READONLY);
    expect([at, exports.kasan_ok(p, size, 0), exports.kasan_ok(p, size, 1)]).toEqual([at, 1, 0]);
    exports.kasan_poison(p + at, 8, SHADOW_FULL | SHADOW_CTX);
    expect([at, exports.kasan_ok(p, size, 0), exports.kasan_ok(p, size, 1)]).toEqual([at, 1, 1]);
    exports.kasan_unpoison(p + at, 8);
  }
});

it('nothing outside of the heap may be accessed, whatever the size', () => {
  const memory = testMemory({ memoryLimit: 4 << 20 });
  const { exports } = memory;
  const p = memory.kmalloc(64, ALLOC_BUFFER);
  for (const [offset, size] of [
    [0, 1],
    [0xffff, 1],
    [4 << 20, 1],
    [(4 << 20) - 1, 2],
    [-8, 8],
    [-1, 2],
    [p, -1],
    [p + 16, -1],
    [p, 0x7fffffff],
  ] as const) {
    expect([offset, size, exports.kasan_ok(offset, size, 0)]).toEqual([offset, size, 0]);
  }
});
