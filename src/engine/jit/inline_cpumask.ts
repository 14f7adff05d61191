/**
 * The cpumask kfuncs in line, where masks have few words: what assembly/lib/bitmap.ts, find_bit.ts and cpumask.ts compute, with the words
 * unrolled and their number known. Masks of more words are left to those.
 */
import {
  FEATURE_DISTRIBUTE_NR_CPU_IDS,
  M_BPF_CPUMASK_USAGE,
  M_FEATURES,
  M_LARGE_CPUMASK_BITS,
  M_NR_CPU_IDS,
  M_NR_CPUS,
  M_SMALL_CPUMASK_BITS,
  PC_DISTRIBUTE_PREV,
} from '../../../assembly/layout.ts';
import type { FunctionEmitter } from './emitter.ts';
import { I32, I64, OP, V128 } from './opcodes.ts';

/**
 * Emits the code of the call at `i`: arguments are in r1.., the result goes into r0; false: it has to be called. `call` emits the
 * call, for code that makes it only at times.
 */
export type Inline = (f: FunctionEmitter, i: number, call: () => void) => boolean;

/** Words of the masks whose operations are unrolled. */
const MAX_WORDS = 16;
const EACCES = 13;

const machine = (f: FunctionEmitter, field: number): number => f.context.memory.u32At(field);
const nrCpuIds = (f: FunctionEmitter): number => machine(f, M_NR_CPU_IDS);
const smallBits = (f: FunctionEmitter): number => machine(f, M_SMALL_CPUMASK_BITS);
const largeBits = (f: FunctionEmitter): number => machine(f, M_LARGE_CPUMASK_BITS);
const wordsOf = (bits: number): number => Math.ceil(bits / 64);

// ---- one bit

/** Pushes the offset of the 32 bits of the mask in `register` that the CPU in the local `cpu` is in. */
function pushPlace(f: FunctionEmitter, cpu: number, register: number): void {
  f.get32(register);
  f.code.get(cpu).i32(5).op(OP['i32.shr_u']).i32(2).op(OP['i32.shl']).op(OP['i32.add']);
}

/** bool (u32 cpu, mask): `read` turns the place on the stack into the 32 bits as they were; false for no CPU. */
const oldBit =
  (read: (f: FunctionEmitter, cpu: number) => void): Inline =>
  (f) => {
    const { code } = f;
    const cpu = f.take(I32);
    f.get32(1).tee(cpu).i32(nrCpuIds(f)).op(OP['i32.lt_u']).open(OP.if, I32);
    pushPlace(f, cpu, 2);
    read(f, cpu);
    code.get(cpu).op(OP['i32.shr_u']).i32(1).op(OP['i32.and']).else().i32(0).end();
    f.set32(0);
    f.release(I32, cpu);
    return true;
  };

/** void (u32 cpu, mask) */
const changeBit =
  (change: (f: FunctionEmitter, cpu: number) => void): Inline =>
  (f) => {
    const { code } = f;
    const cpu = f.take(I32);
    f.get32(1).tee(cpu).i32(nrCpuIds(f)).op(OP['i32.lt_u']).open(OP.if);
    pushPlace(f, cpu, 2);
    change(f, cpu);
    code.op(OP.drop).end();
    f.release(I32, cpu);
    return true;
  };

const load32 = ({ code }: FunctionEmitter): void => {
  code.memory(OP['i32.load'], 2);
};
const setBit = ({ code }: FunctionEmitter, cpu: number): void => {
  code.i32(1).get(cpu).op(OP['i32.shl']).memory(OP['i32.atomic.rmw.or'], 2);
};
const clearBit = ({ code }: FunctionEmitter, cpu: number): void => {
  code.i32(-2).get(cpu).op(OP['i32.rotl']).memory(OP['i32.atomic.rmw.and'], 2);
};

// ---- whole masks

/** Pushes word `at` of the mask in `register`. */
function pushWord(f: FunctionEmitter, register: number, at: number): void {
  f.get32(register).memory(OP['i64.load'], 3, at * 8);
}

/** Ands the word on the stack with the bits of word `at` that lie below `bits`. */
function below(f: FunctionEmitter, bits: number, at: number): void {
  const count = bits - at * 64;
  if (count >= 64) return;
  const [low, high] = count >= 32 ? [-1, 2 ** (count - 32) - 1] : [2 ** count - 1, 0];
  f.code.i64(low, high).op(OP['i64.and']);
}

/** What an operation is about: pushes word `at` of it, or the two words from there; bits behind the last CPU included. */
interface Words {
  word(f: FunctionEmitter, at: number): void;
  pair(f: FunctionEmitter, at: number): void;
}

function pushPair(f: FunctionEmitter, register: number, at: number): void {
  f.get32(register).memory(OP['v128.load'], 3, at * 8);
}

const maskIn = (register: number): Words => ({
  word: (f, at) => pushWord(f, register, at),
  pair: (f, at) => pushPair(f, register, at),
});

/** The words of the mask in r1, inverted. */
const zeros: Words = {
  word(f, at) {
    pushWord(f, 1, at);
    f.code.i64(-1).op(OP['i64.xor']);
  },
  pair(f, at) {
    pushPair(f, 1, at);
    f.code.op(OP['v128.not']);
  },
};

/** The words of two masks, joined by instructions for a word and for a pair; the first of two inverts. */
const joined = (a: number, b: number, word: readonly number[], pair: number): Words => ({
  word(f, at) {
    pushWord(f, a, at);
    pushWord(f, b, at);
    if (word.length > 1) f.code.i64(-1);
    for (const op of word) f.code.op(op);
  },
  pair(f, at) {
    pushPair(f, a, at);
    pushPair(f, b, at);
    f.code.op(pair);
  },
});
const AND = [OP['i64.and']];
const XOR = [OP['i64.xor']];
const AND_NOT = [OP['i64.xor'], OP['i64.and']];
const mask1 = maskIn(1);
const both = joined(1, 2, AND, OP['v128.and']);

/** Words that can be taken as pairs: none of them needs bits masked. */
const pairedOf = (bits: number): number => Math.floor(bits / 128) * 2;

/** bool: is no bit set in any of the words, or is one? */
const query =
  (words: Words, bitsOf: (f: FunctionEmitter) => number, when: 'none' | 'any'): Inline =>
  (f) => {
    const bits = bitsOf(f);
    const [count, paired] = [wordsOf(bits), pairedOf(bits)];
    if (count > MAX_WORDS) return false;
    const { code } = f;
    for (let at = 0; at < paired; at += 2) {
      words.pair(f, at);
      if (at > 0) code.op(OP['v128.or']);
    }
    if (paired > 0) code.op(OP['v128.any_true']);
    for (let at = paired; at < count; at++) {
      words.word(f, at);
      below(f, bits, at);
      if (at > paired) code.op(OP['i64.or']);
    }
    if (paired < count) code.op(OP['i64.eqz']).op(OP['i32.eqz']);
    if (paired > 0 && paired < count) code.op(OP['i32.or']);
    if (when === 'none') code.op(OP['i32.eqz']);
    f.set32(0);
    return true;
  };

/** u32: how many bits are set. */
const weight: Inline = (f) => {
  const bits = smallBits(f);
  if (wordsOf(bits) > MAX_WORDS) return false;
  for (let at = 0; at < wordsOf(bits); at++) {
    pushWord(f, 1, at);
    below(f, bits, at);
    f.code.op(OP['i64.popcnt']);
    if (at > 0) f.code.op(OP['i64.add']);
  }
  f.set(0);
  return true;
};

/** Sets bit `end` of the word on the stack, so that its first bit is at most that; an empty word ends at 64 by itself. */
function endAt({ code }: FunctionEmitter, end: number): void {
  if (end >= 64) return;
  const [low, high] = end >= 32 ? [0, 1 << (end - 32)] : [1 << end, 0];
  code.i64(low, high).op(OP['i64.or']);
}

/** u32: the first bit that is set; where the bits end when there is none. */
const first =
  (words: Words): Inline =>
  (f) => {
    const bits = smallBits(f);
    const last = wordsOf(bits) - 1;
    if (last >= MAX_WORDS) return false;
    const { code } = f;
    const found = f.take(I64);
    const numberOf = (at: number) => {
      code.op(OP['i64.ctz']);
      if (at > 0) code.i64(at * 64).op(OP['i64.add']);
    };
    code.open(OP.block, I64);
    for (let at = 0; at < last; at++) {
      words.word(f, at);
      code.tee(found).op(OP['i64.eqz']).op(OP['i32.eqz']).open(OP.if).get(found);
      numberOf(at);
      code.branch(OP.br, 1).end();
    }
    words.word(f, last);
    endAt(f, bits - last * 64);
    numberOf(last);
    code.end();
    f.set(0);
    f.release(I64, found);
    return true;
  };

/** mask (dst, ...): stores `count` words, two at a time. */
function storeWords(f: FunctionEmitter, count: number, words: Words): boolean {
  if (count > MAX_WORDS) return false;
  for (let at = 0; at + 2 <= count; at += 2) {
    f.get32(1);
    words.pair(f, at);
    f.code.memory(OP['v128.store'], 3, at * 8);
  }
  if (count % 2 === 0) return true;
  f.get32(1);
  words.word(f, count - 1);
  f.code.memory(OP['i64.store'], 3, (count - 1) * 8);
  return true;
}

/** void (dst, a, b) */
const combine =
  (words: Words): Inline =>
  (f) =>
    storeWords(f, wordsOf(smallBits(f)), words);

/** bool (dst, a, b): dst = a & b below the last CPU; is anything left? */
const and: Inline = (f) => {
  const bits = smallBits(f);
  const [count, paired] = [wordsOf(bits), pairedOf(bits)];
  if (count > MAX_WORDS) return false;
  const { code } = f;
  const words = joined(2, 3, AND, OP['v128.and']);
  const [word, any] = [f.take(I64), f.take(I64)];
  const [pair, anyPair] = [f.take(V128), f.take(V128)];
  for (let at = 0; at < paired; at += 2) {
    f.get32(1);
    words.pair(f, at);
    code
      .tee(pair)
      .memory(OP['v128.store'], 3, at * 8)
      .get(pair);
    if (at > 0) code.get(anyPair).op(OP['v128.or']);
    code.set(anyPair);
  }
  for (let at = paired; at < count; at++) {
    f.get32(1);
    words.word(f, at);
    below(f, bits, at);
    code
      .tee(word)
      .memory(OP['i64.store'], 3, at * 8)
      .get(word);
    if (at > paired) code.get(any).op(OP['i64.or']);
    code.set(any);
  }
  if (paired > 0) code.get(anyPair).op(OP['v128.any_true']);
  if (paired < count) code.get(any).op(OP['i64.eqz']).op(OP['i32.eqz']);
  if (paired > 0 && paired < count) code.op(OP['i32.or']);
  f.set32(0);
  f.release(I64, word, any);
  f.release(V128, pair, anyPair);
  return true;
};

/** int (dst, src, u64 size): -EACCES when the source is too short. */
const populate: Inline = (f) => {
  const count = wordsOf(nrCpuIds(f));
  if (count > MAX_WORDS) return false;
  const { code } = f;
  f.get(3);
  code
    .i64(count * 8)
    .op(OP['i64.lt_u'])
    .open(OP.if, I32)
    .i32(-EACCES)
    .else();
  storeWords(f, count, maskIn(2));
  code.i32(0).end();
  f.set32(0);
  return true;
};

/** Words that are all `value`. */
const constant = (value: 0 | -1): Words => ({
  word: ({ code }) => code.i64(value),
  pair: ({ code }) => code.i32(value).op(OP['i8x16.splat']),
});

const setall: Inline = (f) => {
  if (machine(f, M_NR_CPUS) > 64) return storeWords(f, wordsOf(nrCpuIds(f)), constant(-1));
  f.get32(1).i64(-1);
  below(f, nrCpuIds(f), 0);
  f.code.memory(OP['i64.store'], 3);
  return true;
};

/**
 * u32: the first bit behind the one that this CPU found last, from the start again when there is none. In line is the word that
 * the search begins in; where there is nothing in it the function searches.
 */
const distribute =
  (word: (f: FunctionEmitter, base: number) => void): Inline =>
  (f, _, call) => {
    const bits = machine(f, M_FEATURES) & FEATURE_DISTRIBUTE_NR_CPU_IDS ? nrCpuIds(f) : smallBits(f);
    const { code } = f;
    const [start, base, found] = [f.take(I32), f.take(I32), f.take(I64)];
    code.globalGet(0).memory(OP['i32.load'], 2, PC_DISTRIBUTE_PREV).i32(1).op(OP['i32.add']).tee(start);
    // Behind the last word there is nothing to read.
    code.i32(bits).op(OP['i32.lt_u']).open(OP.if, I64);
    code.get(start).i32(6).op(OP['i32.shr_u']).i32(3).op(OP['i32.shl']).set(base);
    word(f, base);
    code.i64(-1).get(start).op(OP['i64.extend_i32_u']).op(OP['i64.shl']).op(OP['i64.and']);
    code.else().i64(0).end().tee(found).op(OP['i64.eqz']);
    code.get(found).op(OP['i64.ctz']).get(start).i32(-64).op(OP['i32.and']).op(OP['i64.extend_i32_u']);
    code.op(OP['i64.add']).tee(found).i64(nrCpuIds(f)).op(OP['i64.ge_u']).op(OP['i32.or']).open(OP.if);
    call();
    code.else().globalGet(0).get(found).memory(OP['i64.store32'], 2, PC_DISTRIBUTE_PREV).get(found);
    f.set(0);
    code.end();
    f.release(I32, start, base);
    f.release(I64, found);
    return true;
  };

/** Pushes the word `base` bytes into the mask in `register`. */
function pushWordAt(f: FunctionEmitter, register: number, base: number): void {
  f.get32(register).get(base).op(OP['i32.add']).memory(OP['i64.load'], 3);
}

// ---- references

/** Changes the count of references by `step` from `least` or more; the function does what is left, and warns. */
const reference =
  (least: number, step: 1 | -1, after: (f: FunctionEmitter) => void): Inline =>
  (f, _, call) => {
    const usage = machine(f, M_BPF_CPUMASK_USAGE);
    const { code } = f;
    const count = f.take(I32);
    // least <= count < INT_MAX, as one comparison.
    f.get32(1).memory(OP['i32.atomic.load'], 2, usage).tee(count).i32(least).op(OP['i32.sub']);
    code
      .i32(0x7fffffff - least)
      .op(OP['i32.lt_u'])
      .open(OP.if, I32);
    f.get32(1).get(count).get(count).i32(step).op(OP['i32.add']).memory(OP['i32.atomic.rmw.cmpxchg'], 2, usage);
    code.get(count).op(OP['i32.eq']).else().i32(0).end().open(OP.if);
    after(f);
    code.else();
    call();
    code.end();
    f.release(I32, count);
    return true;
  };

export const CPUMASK: Readonly<Record<string, Inline>> = {
  bpf_cpumask_acquire: reference(1, 1, (f) => {
    f.get(1);
    f.set(0);
  }),
  bpf_cpumask_release: reference(2, -1, () => undefined),
  bpf_cpumask_test_cpu: oldBit(load32),
  bpf_cpumask_test_and_set_cpu: oldBit(setBit),
  bpf_cpumask_test_and_clear_cpu: oldBit(clearBit),
  bpf_cpumask_set_cpu: changeBit(setBit),
  bpf_cpumask_clear_cpu: changeBit(clearBit),
  bpf_cpumask_first: first(mask1),
  bpf_cpumask_any: first(mask1),
  bpf_cpumask_first_zero: first(zeros),
  bpf_cpumask_first_and: first(both),
  bpf_cpumask_any_and: first(both),
  bpf_cpumask_any_distribute: distribute((f, base) => pushWordAt(f, 1, base)),
  bpf_cpumask_any_and_distribute: distribute((f, base) => {
    pushWordAt(f, 1, base);
    pushWordAt(f, 2, base);
    f.code.op(OP['i64.and']);
  }),
  bpf_cpumask_weight: weight,
  bpf_cpumask_empty: query(mask1, smallBits, 'none'),
  bpf_cpumask_full: query(zeros, nrCpuIds, 'none'),
  bpf_cpumask_equal: query(joined(1, 2, XOR, OP['v128.xor']), smallBits, 'none'),
  bpf_cpumask_intersects: query(both, smallBits, 'any'),
  bpf_cpumask_subset: query(joined(1, 2, AND_NOT, OP['v128.andnot']), smallBits, 'none'),
  bpf_cpumask_and: and,
  bpf_cpumask_or: combine(joined(2, 3, [OP['i64.or']], OP['v128.or'])),
  bpf_cpumask_xor: combine(joined(2, 3, XOR, OP['v128.xor'])),
  bpf_cpumask_copy: (f) => storeWords(f, wordsOf(largeBits(f)), maskIn(2)),
  bpf_cpumask_populate: populate,
  bpf_cpumask_setall: setall,
  bpf_cpumask_clear: (f) => storeWords(f, wordsOf(largeBits(f)), constant(0)),
};
