/** Finds types by name without decoding all the names. */

const UNDERSCORE = 95;
const PRIME = 0x01000193;
const SEED = 0x811c9dc5 | 0;

/** Length of a type name without its flavour: `task_struct___old` counts as `task_struct` (libbpf's rule). */
export function essentialLength(name: string): number {
  for (let i = name.length - 5; i >= 0; i--) {
    if (name[i] !== '_' && name.startsWith('___', i + 1) && name[i + 4] !== '_') return i + 1;
  }
  return name.length;
}

/** Name without its flavour. */
export const essentialName = (name: string): string => name.slice(0, essentialLength(name));

/** A hash table of the named types of one BTF. All of it is typed arrays, so that the build can make it once and keep it. */
export interface NameTable {
  /** First type of each slot, counted from the BTF's first own type; -1 for none. A power of two of them. */
  readonly heads: Int32Array;
  /** The next type, higher, of the same slot. */
  readonly next: Int32Array;
}

/** `starts[i]`: where in `bytes` the zero-terminated name of type `i` starts; 0 when it has none. */
export function nameTable(bytes: Uint8Array, starts: Uint32Array): NameTable {
  let size = 16;
  while (size < starts.length) size *= 2;
  const heads = new Int32Array(size).fill(-1);
  const next = new Int32Array(starts.length);
  for (let i = starts.length - 1; i >= 0; i--) {
    const start = starts[i] as number;
    if (start === 0) continue;
    const slot = hashEssential(bytes, start) & (size - 1);
    next[i] = heads[slot] as number;
    heads[slot] = i;
  }
  return { heads, next };
}

/** Types whose name may be `name` or a flavour of it, lowest first. */
export function* candidates({ heads, next }: NameTable, name: string): Generator<number, void> {
  const wanted = new Uint8Array(name.length * 3 + 1);
  new TextEncoder().encodeInto(name, wanted);
  let i = heads[hashEssential(wanted, 0) & (heads.length - 1)] as number;
  for (; i >= 0; i = next[i] as number) yield i;
}

/** Hash of the name up to its last flavour separator. */
function hashEssential(bytes: Uint8Array, start: number): number {
  let hash = SEED;
  let essential = SEED;
  let cut = false;
  let run = 0;
  let before = SEED;
  for (let i = start; ; i++) {
    const byte = bytes[i] as number;
    if (byte === UNDERSCORE) {
      if (run++ === 0) before = hash;
    } else {
      if (run === 3 && i - 3 > start && byte !== 0) {
        essential = before;
        cut = true;
      }
      run = 0;
      if (byte === 0) return finish(cut ? essential : hash);
    }
    hash = Math.imul(hash ^ byte, PRIME);
  }
}

const finish = (hash: number): number => hash ^ (hash >>> 15);
