/**
 * The cpumask kfuncs in line, where masks have few words: what assembly/lib/bitmap.ts, find_bit.ts and cpumask.ts compute, with the words
 * unrolled and their number known. Masks of more words are left to those, or to the bulk instructions of WebAssembly.
 */
import { M_BPF_CPUMASK_USAGE, M_NR_CPUS } from '../../../assembly/layout.ts';
import type { FunctionEmitter } from './emitter.ts';
import { distribute, first, pushWordAt } from './inline_search.ts';
import {
  AND,
  AND_NOT,
  below,
  both,
  type Inline,
  joined,
  largeBits,
  MAX_WORDS,
  machine,
  mask1,
  maskIn,
  nrCpuIds,
  pairedOf,
  pushOnes,
  pushWord,
  smallBits,
  type Words,
  wordsOf,
  XOR,
  zeros,
} from './inline_words.ts';
import { I32, I64, OP, V128 } from './opcodes.ts';

const EACCES = 13;

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
/** Rounds of nothing that a CPU waits which another was faster than: some 0.1 us. */
const BACK_OFF = 256;

/**
 * Changes the 32 bits at the place on the stack, of which `push` computes the new from the old on the stack; leaves the old. The first try is
 * what V8 makes of an atomic instruction. Who loses waits before the next, so that the winner goes on with what it has in its cache:
 * both are through sooner (docs/reliability.md).
 */
const changeBits =
  (push: (f: FunctionEmitter, cpu: number) => void) =>
  (f: FunctionEmitter, cpu: number): void => {
    const { code } = f;
    const [place, old, wait] = [f.take(I32), f.take(I32), f.take(I32)];
    const attempt = (compare: number) => {
      code.get(place).get(place).memory(OP['i32.load'], 2).tee(old).get(old);
      push(f, cpu);
      code.memory(OP['i32.atomic.rmw.cmpxchg'], 2).get(old).op(compare).branch(OP.br_if, 0);
    };
    code.set(place).open(OP.block);
    attempt(OP['i32.eq']);
    code.open(OP.loop).i32(BACK_OFF).set(wait);
    code.open(OP.loop).get(wait).i32(-1).op(OP['i32.add']).tee(wait).branch(OP.br_if, 0).end();
    attempt(OP['i32.ne']);
    code.end().end().get(old);
    for (const local of [wait, old, place]) f.release(I32, local);
  };

const setBit = changeBits(({ code }, cpu) => {
  code.i32(1).get(cpu).op(OP['i32.shl']).op(OP['i32.or']);
});
const clearBit = changeBits(({ code }, cpu) => {
  code.i32(-2).get(cpu).op(OP['i32.rotl']).op(OP['i32.and']);
});

// ---- whole masks

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
    if (paired === 0 && when === 'none') code.op(OP['i64.eqz']);
    else {
      if (paired < count) code.i64(0).op(OP['i64.ne']);
      if (paired > 0 && paired < count) code.op(OP['i32.or']);
      if (when === 'none') code.op(OP['i32.eqz']);
    }
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

/** mask (dst, ...): stores `count` words, two at a time; at most `most` of them. */
function storeWords(f: FunctionEmitter, count: number, words: Words, most = MAX_WORDS): boolean {
  if (count > most) return false;
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

/** Words that are copied, or filled, without the help of the engine, whose own loop is faster but has to be called. */
const MAX_MOVED_WORDS = 64;

/** mask (dst, src): copies `count` words. */
function copyWords(f: FunctionEmitter, count: number): true {
  if (storeWords(f, count, maskIn(2), MAX_MOVED_WORDS)) return true;
  f.get32(1);
  f.get32(2)
    .i32(count * 8)
    .bulk(OP['memory.copy'], 2);
  return true;
}

/** mask (dst): `count` words that are all `value`. */
function fillWords(f: FunctionEmitter, count: number, value: 0 | -1): true {
  const words: Words = {
    word: ({ code }) => code.i64(value),
    pair: ({ code }) => code.i32(value).op(OP['i8x16.splat']),
  };
  if (storeWords(f, count, words, MAX_MOVED_WORDS)) return true;
  f.get32(1)
    .i32(value)
    .i32(count * 8)
    .bulk(OP['memory.fill'], 1);
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
    code.tee(at > 0 ? pair : anyPair).memory(OP['v128.store'], 3, at * 8);
    if (at > 0) code.get(pair).get(anyPair).op(OP['v128.or']).set(anyPair);
  }
  for (let at = paired; at < count; at++) {
    f.get32(1);
    words.word(f, at);
    below(f, bits, at);
    code.tee(at > paired ? word : any).memory(OP['i64.store'], 3, at * 8);
    if (at > paired) code.get(word).get(any).op(OP['i64.or']).set(any);
  }
  if (paired > 0) code.get(anyPair).op(OP['v128.any_true']);
  if (paired < count) code.get(any).i64(0).op(OP['i64.ne']);
  if (paired > 0 && paired < count) code.op(OP['i32.or']);
  f.set32(0);
  f.release(I64, word, any);
  f.release(V128, pair, anyPair);
  return true;
};

/** int (dst, src, u64 size): -EACCES when the source is too short. */
const populate: Inline = (f) => {
  const count = wordsOf(nrCpuIds(f));
  const { code } = f;
  f.get(3);
  code
    .i64(count * 8)
    .op(OP['i64.lt_u'])
    .open(OP.if, I32)
    .i32(-EACCES)
    .else();
  copyWords(f, count);
  code.i32(0).end();
  f.set32(0);
  return true;
};

const setall: Inline = (f) => {
  if (machine(f, M_NR_CPUS) > 64) return fillWords(f, wordsOf(nrCpuIds(f)), -1);
  f.get32(1);
  pushOnes(f, nrCpuIds(f));
  f.code.memory(OP['i64.store'], 3);
  return true;
};

// ---- references

/**
 * Changes the count of references by `step` from `least` or more; the function does what is left, and warns. `gives`: whether the
 * mask is the result.
 */
const reference =
  (least: number, step: 1 | -1, gives: boolean): Inline =>
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
    code.get(count).op(OP['i32.ne']).else().i32(1).end().open(OP.if);
    call();
    if (gives) {
      code.else();
      f.get(1);
      f.set(0);
    }
    code.end();
    f.release(I32, count);
    return true;
  };

export const CPUMASK: Readonly<Record<string, Inline>> = {
  bpf_cpumask_acquire: reference(1, 1, true),
  bpf_cpumask_release: reference(2, -1, false),
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
  bpf_cpumask_any_distribute: distribute(mask1, (f, base) => pushWordAt(f, 1, base)),
  bpf_cpumask_any_and_distribute: distribute(both, (f, base) => {
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
  bpf_cpumask_copy: (f) => copyWords(f, wordsOf(largeBits(f))),
  bpf_cpumask_populate: populate,
  bpf_cpumask_setall: setall,
  bpf_cpumask_clear: (f) => fillWords(f, wordsOf(largeBits(f)), 0),
};
