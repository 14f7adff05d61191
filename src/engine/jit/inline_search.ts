/** Searches for bits, in line: what assembly/lib/find_bit.ts and cpumask.ts compute. */
import { FEATURE_DISTRIBUTE_NR_CPU_IDS, M_FEATURES, PC_DISTRIBUTE_PREV } from '../../../assembly/layout.ts';
import type { FunctionEmitter } from './emitter.ts';
import { below, type Inline, MAX_WORDS, machine, nrCpuIds, smallBits, type Words, wordsOf } from './inline_words.ts';
import { I32, I64, OP } from './opcodes.ts';

/** Sets bit `end` of the word on the stack, so that its first bit is at most that; an empty word ends at 64 by itself. */
function endAt({ code }: FunctionEmitter, end: number): void {
  if (end >= 64) return;
  const [low, high] = end >= 32 ? [0, 1 << (end - 32)] : [1 << end, 0];
  code.i64(low, high).op(OP['i64.or']);
}

/** u32: the first bit that is set; where the bits end when there is none. */
export const first =
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
    if (last > 0) code.open(OP.block, I64);
    for (let at = 0; at < last; at++) {
      words.word(f, at);
      code.tee(found).op(OP['i64.eqz']).op(OP['i32.eqz']).open(OP.if).get(found);
      numberOf(at);
      code.branch(OP.br, 1).end();
    }
    words.word(f, last);
    endAt(f, bits - last * 64);
    numberOf(last);
    if (last > 0) code.end();
    f.set(0);
    f.release(I64, found);
    return true;
  };

/** Where the distributing searches end; releases differ. */
const distributeBits = (f: FunctionEmitter): number =>
  machine(f, M_FEATURES) & FEATURE_DISTRIBUTE_NR_CPU_IDS ? nrCpuIds(f) : smallBits(f);

/**
 * u32: the first bit behind the one that this CPU found last, from the start again when there is none. In line is the word that
 * the search begins in; where there is nothing in it the function searches.
 */
const distributeWords =
  (word: (f: FunctionEmitter, base: number) => void): Inline =>
  (f, _, call) => {
    const bits = distributeBits(f);
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

/** The same where masks have one word: what is not behind is in front. */
const distributeWord =
  (words: Words): Inline =>
  (f) => {
    const bits = distributeBits(f);
    const { code } = f;
    const [all, behind] = [f.take(I64), f.take(I64)];
    words.word(f, 0);
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

/** u32: the first bit behind the one that this CPU found last, in one mask or in both of two. */
export const distribute =
  (words: Words, wordAt: (f: FunctionEmitter, base: number) => void): Inline =>
  (f, i, call) =>
    (distributeBits(f) <= 64 ? distributeWord(words) : distributeWords(wordAt))(f, i, call);

/** Pushes the word `base` bytes into the mask in `register`. */
export function pushWordAt(f: FunctionEmitter, register: number, base: number): void {
  f.get32(register).get(base).op(OP['i32.add']).memory(OP['i64.load'], 3);
}
