import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readWarnings } from '../../src/kernel/warnings.ts';
import { testMemory } from '../../test/support/memory.ts';
import { ALLOC_BUFFER, OBJ_LIVE, WARNINGS_MAX } from '../layout.ts';

const SATURATED = 0xc0000000 | 0;
const MAX = 0x7fffffff;

const memory = testMemory();
const { exports } = memory;
const counter = memory.kmalloc(8, ALLOC_BUFFER);

type Operation = 'refcount_inc' | 'refcount_inc_not_zero' | 'refcount_dec_and_test' | 'refcount_dec';

it.each<[Operation, number, number, number | undefined, string | null]>([
  ['refcount_inc', 1, 2, undefined, null],
  ['refcount_inc', MAX - 1, MAX, undefined, null],
  ['refcount_inc', 0, SATURATED, undefined, 'refcount_t: addition on 0; use-after-free.'],
  ['refcount_inc', MAX, SATURATED, undefined, 'refcount_t: saturated; leaking memory.'],
  ['refcount_inc', SATURATED, SATURATED, undefined, 'refcount_t: saturated; leaking memory.'],
  ['refcount_inc', -1, SATURATED, undefined, 'refcount_t: saturated; leaking memory.'],
  ['refcount_inc_not_zero', 1, 2, 1, null],
  ['refcount_inc_not_zero', 0, 0, 0, null],
  ['refcount_inc_not_zero', MAX, SATURATED, 1, 'refcount_t: saturated; leaking memory.'],
  ['refcount_inc_not_zero', SATURATED, SATURATED, 1, 'refcount_t: saturated; leaking memory.'],
  ['refcount_inc_not_zero', -1, SATURATED, 1, 'refcount_t: saturated; leaking memory.'],
  ['refcount_dec_and_test', 2, 1, 0, null],
  ['refcount_dec_and_test', 1, 0, 1, null],
  ['refcount_dec_and_test', MAX, MAX - 1, 0, null],
  ['refcount_dec_and_test', 0, SATURATED, 0, 'refcount_t: underflow; use-after-free.'],
  ['refcount_dec_and_test', SATURATED, SATURATED, 0, 'refcount_t: underflow; use-after-free.'],
  ['refcount_dec', 2, 1, undefined, null],
  ['refcount_dec', 1, SATURATED, undefined, 'refcount_t: decrement hit 0; leaking memory.'],
  ['refcount_dec', 0, SATURATED, undefined, 'refcount_t: decrement hit 0; leaking memory.'],
])('%s from %i gives %i', (operation, from, to, result, warning) => {
  const before = readWarnings(memory).length;
  memory.setU32(counter, from);
  memory.setU32(counter + 4, 0x55);
  expect(exports[operation](counter)).toBe(result);
  expect(memory.u32At(counter) | 0).toBe(to);
  expect(memory.u32At(counter + 4)).toBe(0x55);
  const warnings = readWarnings(memory, before);
  expect(warnings.map((w) => w.text)).toEqual(warning === null ? [] : [warning]);
  for (const w of warnings) expect(w).toMatchObject({ cpu: 0, site: 0, number: before, args: [counter, 0] });
});

it('a saturated mask is never freed', () => {
  const mask = exports.bpf_cpumask_create();
  const usage = mask + 1024;
  memory.setU32(usage, MAX);
  exports.bpf_cpumask_acquire(mask);
  for (let i = 0; i < 100; i++) exports.bpf_cpumask_release(mask);
  expect(memory.u32At(usage) | 0).toBe(SATURATED);
  const { serial } = memory.objectHeader(mask);
  expect(memory.isLive({ objectOffset: mask, serial })).toBe(true);
});

it('a count that would overflow saturates, warns, and its mask is never freed', () => {
  // A reference is acquired or released; starts lie at both ends.
  const starts = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: MAX - 4, max: MAX }));
  fc.assert(
    fc.property(starts, fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (start, steps) => {
      const mask = exports.bpf_cpumask_create();
      const { serial } = memory.objectHeader(mask);
      const before = readWarnings(memory).length;
      memory.setU32(mask + 1024, start);
      let count = start;
      let warned = 0;
      for (const acquire of steps) {
        if (count === 0) break;
        if (acquire) exports.bpf_cpumask_acquire(mask);
        else exports.bpf_cpumask_release(mask);
        // Once saturated, every change is a warning and leaves it so.
        const overflows = count === SATURATED || (acquire && count === MAX);
        if (overflows) warned++;
        count = overflows ? SATURATED : count + (acquire ? 1 : -1);
        expect(memory.isLive({ objectOffset: mask, serial })).toBe(count !== 0);
        if (count !== 0) expect(memory.u32At(mask + 1024) | 0).toBe(count);
      }
      expect(readWarnings(memory, before).length).toBe(Math.min(warned, WARNINGS_MAX));
      if (count !== 0) memory.setU32(mask + 1024, 1);
      if (count !== 0) exports.bpf_cpumask_release(mask);
    }),
    { seed: 3, numRuns: 300 },
  );
});

it('the destructor of kptrs gives one reference back', () => {
  const mask = exports.bpf_cpumask_create();
  exports.bpf_cpumask_acquire(mask);
  exports.bpf_cpumask_release_dtor(mask);
  expect(memory.u32At(mask + 1024)).toBe(1);
  exports.bpf_cpumask_release_dtor(mask);
  expect(memory.objectHeader(mask).state).not.toBe(OBJ_LIVE);
});

it('kptr_get of 6.3 takes a reference to what the kptr points to, unless it is being freed', () => {
  const kptr = memory.kmalloc(8, ALLOC_BUFFER);
  expect(exports.bpf_cpumask_kptr_get(kptr)).toBe(0);
  const mask = exports.bpf_cpumask_create();
  memory.dv().setBigUint64(kptr, memory.address(mask), true);
  expect(exports.bpf_cpumask_kptr_get(kptr)).toBe(mask);
  expect(memory.u32At(mask + 1024)).toBe(2);
  memory.setU32(mask + 1024, 0);
  expect(exports.bpf_cpumask_kptr_get(kptr)).toBe(0);
  expect(memory.u32At(mask + 1024)).toBe(0);
});
