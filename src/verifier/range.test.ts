import { beforeAll, describe, expect, it } from 'vitest';
import { readAsset } from '../platform/node/assets.ts';
import { initRange, knownOf, narrowS64, narrowU64, RANGE_UNKNOWN, RANGE_ZERO, range } from './range.ts';

const M64 = (1n << 64n) - 1n;
const M32 = (1n << 32n) - 1n;
const u64 = (x: bigint) => x & M64;
const s64 = (x: bigint) => BigInt.asIntN(64, x);
const u32 = (x: bigint) => x & M32;
const s32 = (x: bigint) => BigInt.asIntN(32, x);

/** xorshift64*: the same numbers every time. */
function generator(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    state ^= state >> 12n;
    state = u64(state ^ (state << 25n));
    state ^= state >> 27n;
    return u64(state * 0x2545f4914f6cdd1dn);
  };
}

const EDGES = [0n, 1n, -1n, 2n, 7n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0x7fffffffn, 0x80000000n, 0xffffffffn]
  .concat([0x100000000n, 0x7fffffffffffffffn, 0x8000000000000000n, 0xfffffffffffffffen, 0xffffffff80000000n])
  .map(u64);

/** A number, often near a place where signs or widths change. */
function number(random: () => bigint): bigint {
  const kind = random() % 4n;
  if (kind === 0n) return u64((EDGES[Number(random() % BigInt(EDGES.length))] as bigint) + (random() % 5n) - 2n);
  if (kind === 1n) return random() & 0xffn;
  if (kind === 2n) return random() & M32;
  return random();
}

/** Is `x` one of the numbers that `h` stands for? By the record's fields alone. */
function contains(h: number, x: bigint): boolean {
  const mask = u64(range.mask(h));
  return (
    (x & u64(~mask)) === u64(range.value(h)) &&
    range.smin(h) <= s64(x) &&
    s64(x) <= range.smax(h) &&
    u64(range.umin(h)) <= x &&
    x <= u64(range.umax(h)) &&
    BigInt(range.s32min(h)) <= s32(x) &&
    s32(x) <= BigInt(range.s32max(h)) &&
    u32(BigInt(range.u32min(h))) <= u32(x) &&
    u32(x) <= u32(BigInt(range.u32max(h)))
  );
}

/** Something that is known of `x`: true, and of random precision. */
function knowledge(random: () => bigint, x: bigint): number {
  let h = random() % 5n === 0n ? knownOf(x) : RANGE_UNKNOWN;
  for (let i = random() % 4n; i > 0n; i--) {
    const lo = number(random);
    const hi = number(random);
    const kind = random() % 4n;
    if (kind === 0n) {
      const [a, b] = [s64(lo), s64(hi)].sort((p, q) => (p < q ? -1 : 1)) as [bigint, bigint];
      h = narrowS64(h, a < s64(x) ? a : s64(x), b > s64(x) ? b : s64(x));
    } else if (kind === 1n) {
      const [a, b] = [lo, hi].sort((p, q) => (p < q ? -1 : 1)) as [bigint, bigint];
      h = narrowU64(h, a < x ? a : x, b > x ? b : x);
    } else if (kind === 2n) {
      const [a, b] = [s32(lo), s32(hi)].sort((p, q) => (p < q ? -1 : 1)) as [bigint, bigint];
      h = range.boundS32(h, Number(a < s32(x) ? a : s32(x)), Number(b > s32(x) ? b : s32(x)));
    } else {
      const mask = random() & random();
      const value = x & u64(~mask);
      h = range.sync(
        range.make(value, mask, -(1n << 63n), (1n << 63n) - 1n, 0n, M64, -0x80000000, 0x7fffffff, 0, 0xffffffff),
      );
    }
  }
  return h;
}

const BINARY: readonly [name: string, op: number, run: (a: bigint, b: bigint, bits: bigint) => bigint][] = [
  ['add', 0x00, (a, b) => a + b],
  ['sub', 0x10, (a, b) => a - b],
  ['mul', 0x20, (a, b) => a * b],
  ['or', 0x40, (a, b) => a | b],
  ['and', 0x50, (a, b) => a & b],
  ['xor', 0xa0, (a, b) => a ^ b],
];
const SHIFTS: readonly [name: string, op: number, run: (a: bigint, n: bigint, bits: number) => bigint][] = [
  ['lsh', 0x60, (a, n) => a << n],
  ['rsh', 0x70, (a, n) => a >> n],
  ['arsh', 0xc0, (a, n, bits) => BigInt.asIntN(bits, a) >> n],
];
const JUMPS: readonly [name: string, op: number, holds: (a: bigint, b: bigint, sa: bigint, sb: bigint) => boolean][] = [
  ['==', 0x10, (a, b) => a === b],
  ['>', 0x20, (a, b) => a > b],
  ['>=', 0x30, (a, b) => a >= b],
  ['&', 0x40, (a, b) => (a & b) !== 0n],
  ['no &', 0x48, (a, b) => (a & b) === 0n],
  ['!=', 0x50, (a, b) => a !== b],
  ['s>', 0x60, (_a, _b, a, b) => a > b],
  ['s>=', 0x70, (_a, _b, a, b) => a >= b],
  ['<', 0xa0, (a, b) => a < b],
  ['<=', 0xb0, (a, b) => a <= b],
  ['s<', 0xc0, (_a, _b, a, b) => a < b],
  ['s<=', 0xd0, (_a, _b, a, b) => a <= b],
];
const ROUNDS = 800;

beforeAll(() => {
  initRange(readAsset('dist/verifier.wasm'));
  range.reset();
});

it('finds what was put in', () => {
  const random = generator(5n);
  for (let i = 0; i < ROUNDS; i++) {
    const x = number(random);
    const h = knowledge(random, x);
    expect(contains(h, x), `${x} in ${show(h)}`).toBe(true);
  }
});

const show = (h: number) =>
  `value ${range.value(h)} mask ${range.mask(h)} s64 ${range.smin(h)}..${range.smax(h)} u64 ${range.umin(h)}..${range.umax(h)}`;

describe('collection', () => {
  it('keeps what is marked under its handle, and gives the rest out again', () => {
    range.reset();
    const handles = Array.from({ length: 5000 }, (_, i) => knownOf(i * 7919));
    const kept = handles.filter((_, i) => i % 3 === 1);
    range.beginMark();
    for (const h of kept) range.mark(h);
    range.sweep();
    expect(range.count()).toBe(kept.length + 2);
    expect([knownOf(0), BigInt.asUintN(64, range.umax(RANGE_UNKNOWN))]).toEqual([RANGE_ZERO, 2n ** 64n - 1n]);
    for (const [i, h] of handles.entries()) if (i % 3 === 1) expect(range.value(h)).toBe(BigInt(i * 7919));
    // The same knowledge has the same handle still; other knowledge takes over what was given back, and nothing else.
    for (const [i, h] of handles.entries()) if (i % 3 === 1) expect(knownOf(i * 7919)).toBe(h);
    const others = Array.from({ length: 3000 }, (_, i) => knownOf(-1 - i));
    expect(new Set([...others, ...kept, RANGE_ZERO, RANGE_UNKNOWN]).size).toBe(3000 + kept.length + 2);
    expect(Math.max(...others)).toBeLessThan(5001);
    for (const [i, h] of others.entries()) expect(range.value(h)).toBe(-1n - BigInt(i));
    range.reset();
    expect(range.count()).toBe(2);
  });
});

describe('range', () => {
  it('has one handle for equal knowledge', () => {
    expect(knownOf(0)).toBe(RANGE_ZERO);
    expect(knownOf(-1)).toBe(range.knownS32(-1));
    expect(range.alu(0x00, 0, knownOf(5), knownOf(7))).toBe(knownOf(12));
    expect(range.within(RANGE_UNKNOWN, knownOf(3))).toBe(1);
    expect(range.within(knownOf(3), RANGE_UNKNOWN)).toBe(0);
  });

  it.each(BINARY)('%s holds for every member', (_name, op, run) => {
    const random = generator(BigInt(op) + 1n);
    for (let i = 0; i < ROUNDS; i++) {
      const [a, b] = [number(random), number(random)];
      const [ha, hb] = [knowledge(random, a), knowledge(random, b)];
      for (const is32 of [0, 1]) {
        const want = is32 ? u32(run(a, b, 32n)) : u64(run(a, b, 64n));
        const have = range.alu(op, is32, ha, hb);
        expect(contains(have, want), `${a} ${b} ${is32}: ${want} in ${show(have)}`).toBe(true);
        expect(range.isInsane(have)).toBe(0);
      }
    }
  });

  it.each(SHIFTS)('%s by a constant holds for every member', (_name, op, run) => {
    const random = generator(BigInt(op) + 2n);
    for (let i = 0; i < ROUNDS; i++) {
      const a = number(random);
      const ha = knowledge(random, a);
      for (const is32 of [0, 1]) {
        const bits = is32 ? 32 : 64;
        const n = random() % BigInt(bits);
        const want = BigInt.asUintN(bits, run(is32 ? u32(a) : a, n, bits));
        const have = range.alu(op, is32, ha, knownOf(n));
        expect(contains(have, want), `${a} by ${n} ${is32}: ${want} in ${show(have)}`).toBe(true);
      }
    }
  });

  it('knows nothing of a shift by an unknown number, and of divisions', () => {
    expect(range.alu(0x60, 0, knownOf(1), RANGE_UNKNOWN)).toBe(-1);
    expect(range.alu(0x30, 0, knownOf(1), knownOf(1))).toBe(-1);
    expect(range.alu(0x60, 1, knownOf(1), knownOf(32))).toBe(-1);
  });

  it('negates, extends signs and cuts off', () => {
    const random = generator(77n);
    for (let i = 0; i < ROUNDS; i++) {
      const a = number(random);
      const h = knowledge(random, a);
      expect(contains(range.alu(0x80, 0, h, h), u64(-a))).toBe(true);
      expect(contains(range.alu(0x80, 1, h, h), u32(-a))).toBe(true);
      for (const size of [1, 2, 4]) {
        const signed = BigInt.asIntN(size * 8, a);
        expect(contains(range.zext(h, size), BigInt.asUintN(size * 8, a)), `zext ${size} ${a}`).toBe(true);
        expect(contains(range.sext64(h, size), u64(signed)), `sext64 ${size} ${a}`).toBe(true);
        if (size < 4) expect(contains(range.sext32(h, size), u32(signed)), `sext32 ${size} ${a}`).toBe(true);
      }
    }
  });

  it.each(JUMPS)('%s: neither the direction nor what it says excludes a member', (_name, op, holds) => {
    const random = generator(BigInt(op) + 3n);
    for (let i = 0; i < ROUNDS; i++) {
      const a = number(random);
      const b = random() % 3n === 0n ? a : number(random);
      const [ha, hb] = [knowledge(random, a), knowledge(random, b)];
      for (const is32 of [0, 1]) {
        const taken = is32 ? holds(u32(a), u32(b), s32(a), s32(b)) : holds(a, b, s64(a), s64(b));
        const decided = op === 0x48 ? -1 : range.branchTaken(op, is32, ha, hb);
        if (decided >= 0) expect(decided, `${a} ${b} ${is32}`).toBe(taken ? 1 : 0);
        if (!taken) continue;
        range.refine(op, is32, ha, hb);
        const [ra, rb] = [range.refinedA(), range.refinedB()];
        expect(contains(ra, a), `${a} ${b} ${is32}: ${a} in ${show(ra)}`).toBe(true);
        expect(contains(rb, b), `${a} ${b} ${is32}: ${b} in ${show(rb)}`).toBe(true);
      }
    }
  });

  it('adds to and subtracts from pointers', () => {
    const random = generator(99n);
    for (let i = 0; i < ROUNDS; i++) {
      const [a, b] = [number(random), number(random)];
      const [ha, hb] = [knowledge(random, a), knowledge(random, b)];
      expect(contains(range.ptrAdd(ha, hb), u64(a + b))).toBe(true);
      expect(contains(range.ptrSub(ha, hb), u64(a - b))).toBe(true);
    }
  });
});
