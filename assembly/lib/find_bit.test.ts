import { expect, it } from 'vitest';
import { Random, testMemory } from '../../test/support/memory.ts';
import { ALLOC_BUFFER } from '../layout.ts';

/** Bytes of each bitmap: three words, and one behind. */
const BYTES = 32;
/** Bits that are searched at most; the ones above are there to be found by mistake. */
const SIZES = [1, 2, 63, 64, 65, 100, 127, 128, 130, 192];

const memory = testMemory();
const { exports } = memory;
const [a, b] = [memory.kmalloc(BYTES, ALLOC_BUFFER), memory.kmalloc(BYTES, ALLOC_BUFFER)] as const;

const bitOf = (bitmap: number, i: number) => (((memory.u8()[bitmap + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 1;

/** The first bit at or after `start` that passes, else `size`. */
function search(size: number, start: number, test: (i: number) => boolean): number {
  for (let i = start; i < size; i++) if (test(i)) return i;
  return size;
}

/** The same, going on at 0 when there is none. */
function wrapped(size: number, start: number, test: (i: number) => boolean): number {
  const found = search(size, start, test);
  return found < size ? found : search(size, 0, test);
}

const inA = (i: number) => bitOf(a, i);
const inBoth = (i: number) => bitOf(a, i) && bitOf(b, i);

/** What each search gives, and what it has to give. */
const SEARCHES: Readonly<Record<string, (size: number, start: number) => readonly [have: number, want: number]>> = {
  find_first_bit: (size) => [exports.find_first_bit(a, size), search(size, 0, inA)],
  find_first_zero_bit: (size) => [exports.find_first_zero_bit(a, size), search(size, 0, (i) => !inA(i))],
  find_first_and_bit: (size) => [exports.find_first_and_bit(a, b, size), search(size, 0, inBoth)],
  find_next_bit: (size, start) => [exports.find_next_bit(a, size, start), search(size, start, inA)],
  find_next_and_bit: (size, start) => [exports.find_next_and_bit(a, b, size, start), search(size, start, inBoth)],
  find_next_bit_wrap: (size, start) => [exports.find_next_bit_wrap(a, size, start), wrapped(size, start, inA)],
  find_next_and_bit_wrap: (size, start) => [
    exports.find_next_and_bit_wrap(a, b, size, start),
    wrapped(size, start, inBoth),
  ],
};

it.each(Object.entries(SEARCHES))('%s sees no bit at or above its size', (_name, both) => {
  const random = new Random(3);
  for (let round = 0; round < 2000; round++) {
    const size = random.pick(SIZES);
    const start = random.below(size + 1);
    for (const bitmap of [a, b]) {
      // Often few or no bits below the size, so that searches reach it.
      const rare = random.below(3) === 0;
      const above = random.pick([0, 0xff, 0x80, 0x88]);
      memory.u8().fill(above, bitmap, bitmap + BYTES);
      for (let i = 0; i < size; i++) {
        const set = rare ? random.below(size) === 0 : above === 0 && random.below(2) === 0;
        const at = bitmap + (i >> 3);
        const byte = memory.u8()[at] ?? 0;
        memory.u8()[at] = set ? byte | (1 << (i & 7)) : byte & ~(1 << (i & 7));
      }
    }
    const [have, want] = both(size, start);
    expect([size, start, have]).toEqual([size, start, want]);
  }
});
