/**
 * The operations of golden streams: one row each, read by everyone who executes them (the TypeScript API, the BPF program on our
 * engines, the one on the live kernel) or writes down what came out.
 */
import { InputError } from '../errors.ts';
import { GOLDEN_SLOTS, type GoldenLife, type GoldenOp, type GoldenResult } from './golden.ts';

/** a, b, c: a slot. cpu: a number. src and size: bytes of memory, which vectors write as size, offset and hex. */
export type Arg = 'a' | 'b' | 'c' | 'cpu' | 'src' | 'size';

/** What a result shows: a number, the words of the mask in slot a, both, or the slot table. */
export type Shows = 'number' | 'words' | 'both' | 'life';

export interface GoldenOpRow {
  readonly name: string;
  /** Its number in the programs that execute streams; live_golden.bpf.c has the same. */
  readonly kind: number;
  /** bpf_cpumask_NAME computes it from these; the other rows handle slots. */
  readonly isKfunc: boolean;
  /** Arguments in the order of the kfunc. */
  readonly args: readonly Arg[];
  /** Leading operands of the vector that are slots; of a kfunc, all of them must hold a mask. */
  readonly slots: number;
  readonly shows: Shows;
}

const SLOT_ARGS: readonly Arg[] = ['a', 'b', 'c'];

const row = (name: string, shows: Shows, args: readonly Arg[], isKfunc: boolean) => {
  return { name, isKfunc, args, slots: args.filter((arg) => SLOT_ARGS.includes(arg)).length, shows };
};
const kfunc = (name: string, shows: Shows, ...args: Arg[]) => row(name, shows, args, true);
const onSlots = (name: string, shows: Shows, ...args: Arg[]) => row(name, shows, args, false);

/** Row numbers are kinds, from 1: new rows go to the end. */
export const GOLDEN_OPS: readonly GoldenOpRow[] = [
  kfunc('first', 'number', 'a'),
  kfunc('first_zero', 'number', 'a'),
  kfunc('weight', 'number', 'a'),
  kfunc('empty', 'number', 'a'),
  kfunc('full', 'number', 'a'),
  kfunc('any_distribute', 'number', 'a'),
  kfunc('first_and', 'number', 'a', 'b'),
  kfunc('equal', 'number', 'a', 'b'),
  kfunc('intersects', 'number', 'a', 'b'),
  kfunc('subset', 'number', 'a', 'b'),
  kfunc('any_and_distribute', 'number', 'a', 'b'),
  kfunc('setall', 'words', 'a'),
  kfunc('clear', 'words', 'a'),
  kfunc('copy', 'words', 'a', 'b'),
  kfunc('or', 'words', 'a', 'b', 'c'),
  kfunc('xor', 'words', 'a', 'b', 'c'),
  kfunc('and', 'both', 'a', 'b', 'c'),
  kfunc('test_cpu', 'number', 'cpu', 'a'),
  kfunc('set_cpu', 'words', 'cpu', 'a'),
  kfunc('clear_cpu', 'words', 'cpu', 'a'),
  kfunc('test_and_set_cpu', 'both', 'cpu', 'a'),
  kfunc('test_and_clear_cpu', 'both', 'cpu', 'a'),
  kfunc('populate', 'both', 'a', 'src', 'size'),
  onSlots('dump', 'words', 'a'),
  onSlots('create', 'life', 'a'),
  onSlots('acquire', 'life', 'a', 'b'),
  onSlots('release', 'life', 'a'),
  onSlots('xchg', 'life', 'a', 'b'),
].map((op, i) => ({ ...op, kind: i + 1 }));

const BY_NAME = new Map(GOLDEN_OPS.map((op) => [op.name, op]));

/** @throws InputError for an operation that vectors do not have */
export function goldenOp(name: string): GoldenOpRow {
  const found = BY_NAME.get(name);
  if (!found) throw new InputError(`"${name}"`, 'operation', 'is not one of the golden vectors');
  return found;
}

/** Empties every slot, behind a stream. */
export const RELEASE_ALL: readonly GoldenOp[] = Array.from({ length: GOLDEN_SLOTS }, (_, i) => ['release', i]);

/** A vector's operands by what they are. `offset`: of the bytes, from an 8-byte boundary. */
export interface Operands {
  readonly slots: readonly number[];
  readonly cpu: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** What the vector says of the bytes; the number of them. */
  readonly size: number;
}

export function operandsOf({ slots, args: takes }: GoldenOpRow, [, ...args]: GoldenOp): Operands {
  const rest = args.slice(slots);
  const memory = takes.includes('src');
  const [size = 0, offset = 0, hex = '-'] = memory ? rest : [];
  const digits = hex === '-' ? [] : (String(hex).match(/../g) ?? []);
  return {
    slots: args.slice(0, slots).map(Number),
    cpu: memory ? 0 : Number(rest[0] ?? 0),
    size: Number(size),
    offset: Number(offset) & 7,
    bytes: Uint8Array.from(digits, (byte) => Number.parseInt(byte, 16)),
  };
}

/** The words of a mask as vectors write them: hex, trailing zero words left off. */
function formatWords(words: readonly bigint[]): string {
  const used = words.findLastIndex((word) => word !== 0n) + 1;
  return words
    .slice(0, used)
    .map((word) => word.toString(16))
    .join(',');
}

/** The words of a mask in memory. */
export function wordsAt(dv: DataView, at: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => dv.getBigUint64(at + 8 * i, true));
}

/** The slot table after an operation on references that reports usage `r`. Equal pointers: the same object; 0: empty. */
export function lifeOf(r: number, refs: readonly number[], pointers: readonly (number | bigint)[]): GoldenLife {
  return { r, refs, alias: pointers.map((pointer) => (pointer ? pointers.indexOf(pointer) : -1)) };
}

/** The result of an operation that is not of `life`. `number`: what the kfunc returned. */
export function resultOf({ shows }: GoldenOpRow, number: number, words: () => readonly bigint[]): GoldenResult {
  if (shows === 'number') return number >>> 0;
  const text = formatWords(words());
  // A bool, or an errno.
  return shows === 'words' ? text : [number | 0, text];
}
