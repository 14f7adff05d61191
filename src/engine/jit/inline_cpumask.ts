/**
 * Operations on masks of a few words, in line: what assembly/lib/bitmap.ts, find_bit.ts and cpumask.ts compute, with the words
 * unrolled and their number known. Masks of more words are left to those.
 */
import {
  FEATURE_DISTRIBUTE_NR_CPU_IDS,
  M_FEATURES,
  M_LARGE_CPUMASK_BITS,
  M_NR_CPU_IDS,
  M_NR_CPUS,
  M_SMALL_CPUMASK_BITS,
  PC_DISTRIBUTE_PREV,
} from '../../../assembly/layout.ts';
import type { FunctionEmitter } from './emitter.ts';
import { I32, I64, OP } from './opcodes.ts';

/**
 * Emits the code of the call at `i`: arguments are in r1.., the result goes into r0; false: it has to be called. `call` emits the
 * call, for code that makes it only at times.
 */
export type Inline = (f: FunctionEmitter, i: number, call: () => void) => boolean;

/** Words of the masks whose operations are unrolled. */
const MAX_WORDS = 16;
/** The same of searches, which branch at every word. */
const MAX_SEARCHED = 4;

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

/** Pushes word `at` of what an operation is about, bits behind the last CPU included. */
type Word = (f: FunctionEmitter, at: number) => void;

const wordOf =
  (register: number): Word =>
  (f, at) =>
    pushWord(f, register, at);
const zerosOf: Word = (f, at) => {
  pushWord(f, 1, at);
  f.code.i64(-1).op(OP['i64.xor']);
};
/** Both words, joined by `ops`. */
const joined =
  (a: number, b: number, op: number): Word =>
  (f, at) => {
    pushWord(f, a, at);
    pushWord(f, b, at);
    f.code.op(op);
  };
const andNot: Word = (f, at) => {
  pushWord(f, 1, at);
  pushWord(f, 2, at);
  f.code.i64(-1).op(OP['i64.xor']).op(OP['i64.and']);
};

/** bool: is no bit set in any of the words, or is one? */
const query =
  (word: Word, bitsOf: (f: FunctionEmitter) => number, when: 'none' | 'any'): Inline =>
  (f) => {
    const bits = bitsOf(f);
    const words = wordsOf(bits);
    if (words > MAX_WORDS) return false;
    for (let at = 0; at < words; at++) {
      word(f, at);
      below(f, bits, at);
      if (at > 0) f.code.op(OP['i64.or']);
    }
    f.code.op(OP['i64.eqz']);
    if (when === 'any') f.code.op(OP['i32.eqz']);
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

/** u32: the first bit that is set; where the words end when there is none. */
const first =
  (word: Word, bitsOf: (f: FunctionEmitter) => number): Inline =>
  (f) => {
    const bits = bitsOf(f);
    const last = wordsOf(bits) - 1;
    if (last >= MAX_SEARCHED) return false;
    const { code } = f;
    const found = f.take(I64);
    code.open(OP.block, I64);
    for (let at = 0; at < last; at++) {
      word(f, at);
      code.tee(found).op(OP['i64.eqz']).op(OP['i32.eqz']).open(OP.if);
      code
        .get(found)
        .op(OP['i64.ctz'])
        .i64(at * 64)
        .op(OP['i64.add'])
        .branch(OP.br, 1)
        .end();
    }
    word(f, last);
    endAt(f, bits - last * 64);
    code
      .op(OP['i64.ctz'])
      .i64(last * 64)
      .op(OP['i64.add'])
      .end();
    f.set(0);
    f.release(I64, found);
    return true;
  };

/** Sets bit `end` of the word on the stack, so that its first bit is at most that; an empty word ends at 64 by itself. */
function endAt({ code }: FunctionEmitter, end: number): void {
  if (end >= 64) return;
  const [low, high] = end >= 32 ? [0, 1 << (end - 32)] : [1 << end, 0];
  code.i64(low, high).op(OP['i64.or']);
}

/** mask (dst, ...): stores word for word; two at a time, where `vector` says how. */
function storeWords(f: FunctionEmitter, words: number, word: Word, vector: Word | null): void {
  let at = 0;
  for (; vector && at + 2 <= words; at += 2) {
    f.get32(1);
    vector(f, at);
    f.code.memory(OP['v128.store'], 3, at * 8);
  }
  for (; at < words; at++) {
    f.get32(1);
    word(f, at);
    f.code.memory(OP['i64.store'], 3, at * 8);
  }
}

function pushPair(f: FunctionEmitter, register: number, at: number): void {
  f.get32(register).memory(OP['v128.load'], 3, at * 8);
}

/** void (dst, a, b) */
const combine =
  (scalar: number, vector: number): Inline =>
  (f) => {
    const words = wordsOf(smallBits(f));
    if (words > MAX_WORDS) return false;
    storeWords(f, words, joined(2, 3, scalar), (_, at) => {
      pushPair(f, 2, at);
      pushPair(f, 3, at);
      f.code.op(vector);
    });
    return true;
  };

/** bool (dst, a, b): dst = a & b below the last CPU; is anything left? */
const and: Inline = (f) => {
  const bits = smallBits(f);
  const words = wordsOf(bits);
  if (words > MAX_WORDS) return false;
  const { code } = f;
  const [word, any] = [f.take(I64), f.take(I64)];
  for (let at = 0; at < words; at++) {
    f.get32(1);
    joined(2, 3, OP['i64.and'])(f, at);
    below(f, bits, at);
    code.tee(word).memory(OP['i64.store'], 3, at * 8);
    code.get(word);
    if (at > 0) code.get(any).op(OP['i64.or']);
    code.set(any);
  }
  code.get(any).op(OP['i64.eqz']).op(OP['i32.eqz']);
  f.set32(0);
  f.release(I64, word, any);
  return true;
};

/** void (dst, src) */
const copy: Inline = (f) => {
  const words = wordsOf(largeBits(f));
  if (words > MAX_WORDS) return false;
  storeWords(f, words, wordOf(2), (_, at) => pushPair(f, 2, at));
  return true;
};

/** void (dst): every word the same. */
function fill(f: FunctionEmitter, words: number, value: number): boolean {
  if (words > MAX_WORDS) return false;
  storeWords(
    f,
    words,
    () => f.code.i64(value),
    () => f.code.i32(value).op(OP['i8x16.splat']),
  );
  return true;
}

const setall: Inline = (f) => {
  if (machine(f, M_NR_CPUS) > 64) return fill(f, wordsOf(nrCpuIds(f)), -1);
  f.get32(1).i64(-1);
  below(f, nrCpuIds(f), 0);
  f.code.memory(OP['i64.store'], 3);
  return true;
};

/** u32: the first bit behind the one that this CPU found last, from the start again when there is none; for one word. */
const distribute =
  (word: Word): Inline =>
  (f) => {
    const bits = machine(f, M_FEATURES) & FEATURE_DISTRIBUTE_NR_CPU_IDS ? nrCpuIds(f) : smallBits(f);
    if (bits > 64) return false;
    const { code } = f;
    const [all, behind] = [f.take(I64), f.take(I64)];
    word(f, 0);
    below(f, bits, 0);
    code.tee(all);
    // Shifted twice: the one before may be the last bit.
    code.i64(-1).globalGet(0).memory(OP['i64.load32_u'], 2, PC_DISTRIBUTE_PREV).op(OP['i64.shl']);
    code.i64(1).op(OP['i64.shl']).op(OP['i64.and']).tee(behind);
    code.get(all).get(behind).op(OP['i64.eqz']).op(OP['i32.eqz']).op(OP.select);
    endAt(f, bits);
    code.op(OP['i64.ctz']).tee(all).i64(nrCpuIds(f)).op(OP['i64.lt_u']).open(OP.if);
    code.globalGet(0).get(all).memory(OP['i64.store32'], 2, PC_DISTRIBUTE_PREV).end();
    code.get(all);
    f.set(0);
    f.release(I64, all, behind);
    return true;
  };

const both = joined(1, 2, OP['i64.and']);

export const CPUMASK: Readonly<Record<string, Inline>> = {
  bpf_cpumask_test_cpu: oldBit(load32),
  bpf_cpumask_test_and_set_cpu: oldBit(setBit),
  bpf_cpumask_test_and_clear_cpu: oldBit(clearBit),
  bpf_cpumask_set_cpu: changeBit(setBit),
  bpf_cpumask_clear_cpu: changeBit(clearBit),
  bpf_cpumask_first: first(wordOf(1), smallBits),
  bpf_cpumask_any: first(wordOf(1), smallBits),
  bpf_cpumask_first_zero: first(zerosOf, smallBits),
  bpf_cpumask_first_and: first(both, smallBits),
  bpf_cpumask_any_and: first(both, smallBits),
  bpf_cpumask_any_distribute: distribute(wordOf(1)),
  bpf_cpumask_any_and_distribute: distribute(both),
  bpf_cpumask_weight: weight,
  bpf_cpumask_empty: query(wordOf(1), smallBits, 'none'),
  bpf_cpumask_full: query(zerosOf, nrCpuIds, 'none'),
  bpf_cpumask_equal: query(joined(1, 2, OP['i64.xor']), smallBits, 'none'),
  bpf_cpumask_intersects: query(both, smallBits, 'any'),
  bpf_cpumask_subset: query(andNot, smallBits, 'none'),
  bpf_cpumask_and: and,
  bpf_cpumask_or: combine(OP['i64.or'], OP['v128.or']),
  bpf_cpumask_xor: combine(OP['i64.xor'], OP['v128.xor']),
  bpf_cpumask_copy: copy,
  bpf_cpumask_setall: setall,
  bpf_cpumask_clear: (f) => fill(f, wordsOf(largeBits(f)), 0),
};
