/** Finds types by name without decoding the names: a chained hash over the bytes of the string section. */

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

export class NameIndex {
  private readonly heads: Int32Array;
  private readonly next: Int32Array;
  private readonly mask: number;

  /** `starts[i]`: where in `bytes` the zero-terminated name of type `ids[i]` starts; `nameOf` decodes it. */
  constructor(
    bytes: Uint8Array,
    private readonly ids: readonly number[],
    starts: readonly number[],
    private readonly nameOf: (id: number) => string,
  ) {
    let size = 16;
    while (size < ids.length) size *= 2;
    this.mask = size - 1;
    this.heads = new Int32Array(size).fill(-1);
    this.next = new Int32Array(ids.length);
    for (let i = ids.length - 1; i >= 0; i--) {
      const slot = hashEssential(bytes, starts[i] as number) & this.mask;
      this.next[i] = this.heads[slot] as number;
      this.heads[slot] = i;
    }
  }

  /** First id of exactly that name; 0 when there is none. */
  find(name: string): number {
    for (const id of this.chain(name)) if (this.nameOf(id) === name) return id;
    return 0;
  }

  /** All ids whose name is `essential` after cutting the flavour. */
  findEssential(essential: string): number[] {
    const found: number[] = [];
    for (const id of this.chain(essential)) if (essentialName(this.nameOf(id)) === essential) found.push(id);
    return found;
  }

  private *chain(name: string): Generator<number> {
    const bytes = new Uint8Array(name.length * 3 + 1);
    new TextEncoder().encodeInto(name, bytes);
    let i = this.heads[hashEssential(bytes, 0) & this.mask] as number;
    while (i >= 0) {
      yield this.ids[i] as number;
      i = this.next[i] as number;
    }
  }
}

/** Hash of the name up to its last flavour separator. */
function hashEssential(bytes: Uint8Array, start: number): number {
  let hash = SEED;
  let essential = 0;
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
      if (byte === 0) return cut ? finish(essential) : finish(hash);
    }
    hash = Math.imul(hash ^ byte, PRIME);
  }
}

const finish = (hash: number): number => hash ^ (hash >>> 15);
