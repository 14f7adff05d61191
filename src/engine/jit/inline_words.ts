/** Words of masks, as the code in line of kfuncs takes them: their number is known, and so they are unrolled. */
import { M_LARGE_CPUMASK_BITS, M_NR_CPU_IDS, M_SMALL_CPUMASK_BITS } from '../../../assembly/layout.ts';
import type { FunctionEmitter } from './emitter.ts';
import { OP } from './opcodes.ts';

/**
 * Emits the code of the call at `i`: arguments are in r1.., the result goes into r0; false: it has to be called. `call` emits the
 * call, for code that makes it only at times.
 */
export type Inline = (f: FunctionEmitter, i: number, call: () => void) => boolean;

/** Words of the masks whose operations are unrolled. */
export const MAX_WORDS = 16;
export const machine = (f: FunctionEmitter, field: number): number => f.context.memory.u32At(field);
export const nrCpuIds = (f: FunctionEmitter): number => machine(f, M_NR_CPU_IDS);
export const smallBits = (f: FunctionEmitter): number => machine(f, M_SMALL_CPUMASK_BITS);
export const largeBits = (f: FunctionEmitter): number => machine(f, M_LARGE_CPUMASK_BITS);
export const wordsOf = (bits: number): number => Math.ceil(bits / 64);

/** Pushes word `at` of the mask in `register`. */
export function pushWord(f: FunctionEmitter, register: number, at: number): void {
  f.get32(register).memory(OP['i64.load'], 3, at * 8);
}

/** The word whose bits below `count` are set. */
export function pushOnes({ code }: FunctionEmitter, count: number): void {
  if (count >= 64) code.i64(-1);
  else if (count >= 32) code.i64(-1, 2 ** (count - 32) - 1);
  else code.i64(2 ** count - 1, 0);
}

/** Ands the word on the stack with the bits of word `at` that lie below `bits`. */
export function below(f: FunctionEmitter, bits: number, at: number): void {
  const count = bits - at * 64;
  if (count >= 64) return;
  pushOnes(f, count);
  f.code.op(OP['i64.and']);
}

/** What an operation is about: pushes word `at` of it, or the two words from there; bits behind the last CPU included. */
export interface Words {
  word(f: FunctionEmitter, at: number): void;
  pair(f: FunctionEmitter, at: number): void;
}

function pushPair(f: FunctionEmitter, register: number, at: number): void {
  f.get32(register).memory(OP['v128.load'], 3, at * 8);
}

export const maskIn = (register: number): Words => ({
  word: (f, at) => pushWord(f, register, at),
  pair: (f, at) => pushPair(f, register, at),
});

/** The words of the mask in r1, inverted. */
export const zeros: Words = {
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
export const joined = (a: number, b: number, word: readonly number[], pair: number): Words => ({
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
export const AND = [OP['i64.and']];
export const XOR = [OP['i64.xor']];
export const AND_NOT = [OP['i64.xor'], OP['i64.and']];
export const mask1 = maskIn(1);
export const both = joined(1, 2, AND, OP['v128.and']);

/** Words that can be taken as pairs: none of them needs bits masked. */
export const pairedOf = (bits: number): number => Math.floor(bits / 128) * 2;
