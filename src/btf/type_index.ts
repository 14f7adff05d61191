/** What a pass over all types of a BTF finds, as a file: the build makes one for each BTF of the package. */
import { InvariantError } from '../errors.ts';
import type { NameTable } from './names.ts';

export interface TypeIndex {
  /** Offset in the bytes of each own type's record, by id - firstId. */
  readonly offsets: Uint32Array;
  /** Kind of each own type. */
  readonly kinds: Uint8Array;
  /** Made when something is looked up. */
  readonly table?: NameTable;
}

/** Bytes of the BTF, types, slots of the name table: words. */
const HEADER = 3;

export function writeIndex(btf: Uint8Array, { offsets, kinds, table }: Required<TypeIndex>): Uint8Array {
  const { heads, next } = table;
  const parts = [Uint32Array.of(btf.length, offsets.length, heads.length), offsets, next, heads, kinds];
  const index = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    index.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return index;
}

/** Reads what writeIndex() wrote. It comes from our own build: only a mix-up of files is looked for. */
export function readIndex(index: Uint8Array, btf: Uint8Array): TypeIndex {
  const { buffer, byteOffset } = index;
  const [size, count, slots] = new Uint32Array(buffer, byteOffset, HEADER) as unknown as [number, number, number];
  if (size !== btf.length) throw new InvariantError('the index of the BTF belongs to another');
  let at = byteOffset + 4 * HEADER;
  const words = (length: number): number => {
    const start = at;
    at += 4 * length;
    return start;
  };
  const offsets = new Uint32Array(buffer, words(count), count);
  const next = new Int32Array(buffer, words(count), count);
  const heads = new Int32Array(buffer, words(slots), slots);
  return { offsets, kinds: new Uint8Array(buffer, at, count), table: { heads, next } };
}
