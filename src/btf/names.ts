/**
 * Finds types by name without decoding the names. The first lookups compare bytes one type after another; whoever asks for
 * more gets a hash table, which costs more than a dozen such walks.
 */

const UNDERSCORE = 95;
const PRIME = 0x01000193;
const SEED = 0x811c9dc5 | 0;
/** Lookups by walking before the table is built. */
const WALKS = 24;

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
  private walks = 0;
  private heads: Int32Array | undefined;
  private next: Int32Array | undefined;

  /** `starts[i]`: where in `bytes` the zero-terminated name of type `ids[i]` starts; `nameOf` decodes it. */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly ids: Uint32Array,
    private readonly starts: Uint32Array,
    private readonly nameOf: (id: number) => string,
  ) {}

  /** First id of exactly that name; 0 when there is none. */
  find(name: string): number {
    for (const i of this.candidates(name, true)) {
      const id = this.ids[i] as number;
      if (this.nameOf(id) === name) return id;
    }
    return 0;
  }

  /** All ids whose name is `essential` after cutting the flavour. */
  findEssential(essential: string): number[] {
    return this.candidates(essential, false)
      .map((i) => this.ids[i] as number)
      .filter((id) => essentialName(this.nameOf(id)) === essential);
  }

  /** Indexes of types whose name may be the wanted one, lowest first. */
  private candidates(name: string, exact: boolean): number[] {
    const wanted = new Uint8Array(name.length * 3 + 1);
    const { written } = new TextEncoder().encodeInto(name, wanted);
    if (!this.heads && this.walks++ < WALKS) return this.walk(wanted.subarray(0, written), exact);
    const { heads, next } = this.table();
    const found: number[] = [];
    let i = heads[hashEssential(wanted, 0) & (heads.length - 1)] as number;
    for (; i >= 0; i = next[i] as number) found.push(i);
    return found;
  }

  private walk(wanted: Uint8Array, exact: boolean): number[] {
    const { bytes, starts } = this;
    const length = wanted.length;
    const first = wanted[0] ?? 0;
    const last = wanted[length - 1] ?? 0;
    const count = this.ids.length;
    const found: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = starts[i] as number;
      if (bytes[start] !== first || bytes[start + length - 1] !== last) continue;
      const after = bytes[start + length];
      if (after !== 0 && (exact || after !== UNDERSCORE)) continue;
      let same = 1;
      while (same < length && bytes[start + same] === wanted[same]) same++;
      if (same >= length) found.push(i);
    }
    return found;
  }

  private table(): { heads: Int32Array; next: Int32Array } {
    if (!this.heads || !this.next) {
      let size = 16;
      while (size < this.ids.length) size *= 2;
      this.heads = new Int32Array(size).fill(-1);
      this.next = new Int32Array(this.ids.length);
      for (let i = this.ids.length - 1; i >= 0; i--) {
        const slot = hashEssential(this.bytes, this.starts[i] as number) & (size - 1);
        this.next[i] = this.heads[slot] as number;
        this.heads[slot] = i;
      }
    }
    return { heads: this.heads, next: this.next };
  }
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
