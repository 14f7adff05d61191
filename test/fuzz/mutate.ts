/** Mutations of object files: bit flips, absurd numbers, truncations, parts of other objects. */
import type { Random } from '../../src/random.ts';

/** One step from bytes to bytes; a case is a seed object and a list of them, so that a failure can be shrunk. */
export interface Mutation {
  readonly name: string;
  apply(bytes: Uint8Array): Uint8Array;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

const SECTION_HEADER = 64;
const NUMBERS = [
  0, 1, 2, 3, 4, 8, 16, 63, 64, 127, 128, 255, 256, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** File ranges of an object's sections, and of its tables, as far as they can be read. */
function ranges(bytes: Uint8Array): Range[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Range[] = [{ start: 0, end: Math.min(64, bytes.length) }];
  if (bytes.length < 64) return found;
  const table = Number(view.getBigUint64(0x28, true));
  const count = view.getUint16(0x3c, true);
  for (let i = 0; i < count; i++) {
    const at = table + i * SECTION_HEADER;
    if (at + SECTION_HEADER > bytes.length) break;
    found.push({ start: at, end: at + SECTION_HEADER });
    const start = Number(view.getBigUint64(at + 24, true));
    const end = start + Number(view.getBigUint64(at + 32, true));
    if (end > start && end <= bytes.length) found.push({ start, end });
  }
  return found;
}

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy);
  return copy;
}

type Maker = (random: Random, bytes: Uint8Array, others: readonly Uint8Array[]) => Mutation;

/** Somewhere in the file: mostly in what sections hold, since broken headers end a case at the first check. */
function place(random: Random, bytes: Uint8Array, size: number): number {
  const all = ranges(bytes);
  const contents = all.filter(({ end, start }) => end - start !== SECTION_HEADER);
  const { start, end } = random.pick(contents.length > 0 && random.below(4) > 0 ? contents : all);
  return Math.min(start + random.below(end - start), Math.max(bytes.length - size, 0));
}

const MAKERS: readonly Maker[] = [
  function flipBit(random, bytes) {
    const at = place(random, bytes, 1);
    const bit = 1 << random.below(8);
    return {
      name: `flip bit ${bit} at 0x${at.toString(16)}`,
      apply: (b) => changed(b, (copy) => copy.fill((copy[at] ?? 0) ^ bit, at, at + 1)),
    };
  },
  function setByte(random, bytes) {
    const at = place(random, bytes, 1);
    const value = random.below(256);
    return {
      name: `byte 0x${at.toString(16)} = ${value}`,
      apply: (b) => changed(b, (copy) => copy.fill(value, at, at + 1)),
    };
  },
  function setNumber(random, bytes) {
    const at = place(random, bytes, 4) & ~3;
    const value = random.below(4) ? random.pick(NUMBERS) : random.next();
    return {
      name: `u32 0x${at.toString(16)} = ${value}`,
      apply: (b) =>
        changed(b, (copy) => {
          if (at + 4 <= copy.length) new DataView(copy.buffer).setUint32(at, value, true);
        }),
    };
  },
  function addNumber(random, bytes) {
    const at = place(random, bytes, 4) & ~3;
    const delta = random.below(33) - 16;
    return {
      name: `u32 0x${at.toString(16)} += ${delta}`,
      apply: (b) =>
        changed(b, (copy) => {
          const view = new DataView(copy.buffer);
          if (at + 4 <= copy.length) view.setUint32(at, view.getUint32(at, true) + delta, true);
        }),
    };
  },
  function swapInsns(random, bytes) {
    const from = place(random, bytes, 8) & ~7;
    const to = place(random, bytes, 8) & ~7;
    return {
      name: `8 bytes 0x${from.toString(16)} -> 0x${to.toString(16)}`,
      apply: (b) => changed(b, (copy) => copy.copyWithin(to, from, from + 8)),
    };
  },
  function splice(random, bytes, others) {
    const other = random.pick(others);
    const from = random.pick(ranges(other));
    const to = random.pick(ranges(bytes));
    const part = other.slice(from.start, from.start + Math.min(from.end - from.start, to.end - to.start));
    return {
      name: `${part.length} bytes of another object at 0x${to.start.toString(16)}`,
      apply: (b) =>
        changed(b, (copy) =>
          copy.set(part.subarray(0, Math.max(copy.length - to.start, 0)), Math.min(to.start, copy.length)),
        ),
    };
  },
  function fill(random, bytes) {
    const { start, end } = random.pick(ranges(bytes));
    const value = random.pick([0, 0xff, 0x41]);
    const stop = Math.min(end, start + 1 + random.below(64));
    return { name: `fill 0x${start.toString(16)}`, apply: (b) => changed(b, (copy) => copy.fill(value, start, stop)) };
  },
];

const truncate: Maker = (random, bytes) => {
  const size = random.below(bytes.length);
  return { name: `truncate to ${size}`, apply: (b) => b.slice(0, size) };
};

/** Truncation is drawn less than the rest: it ends most cases at the first check. */
const TRUNCATE_ONE_IN = 40;

/** One to eight mutations, mostly few: many at once seldom get past the first check. */
export function mutations(random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Mutation[] {
  const count = 1 + Math.min(random.below(8), random.below(8));
  return Array.from({ length: count }, () => {
    const maker = random.below(TRUNCATE_ONE_IN) === 0 ? truncate : random.pick(MAKERS);
    return maker(random, bytes, others);
  });
}
