/** A kernel's BTF as another configuration would have made it: one struct has another size, and what embeds it moves. */
import type { Btf } from './btf.ts';
import { Btf as BtfReader } from './btf.ts';

const RECORD_HEADER = 12;
const MEMBER = 12;
const UNKNOWN = 0x7fffffff;
/** By-value nesting of kernel types is a few deep; deeper is a loop in broken BTF. */
const MAX_DEPTH = 64;

const made = new WeakMap<Btf, Map<string, Btf>>();

/**
 * The same BTF with `struct name` of `size` bytes; an array that only it has shrinks or grows with it. Ids stay. Members behind what
 * grew move by as much: sizes that are multiples of 8 keep alignment, beyond that of cache lines.
 */
export function withStructSize(btf: Btf, name: string, size: number): Btf {
  const id = btf.find(name, 'struct');
  if (!id || btf.size(id) === size || btf.base) return btf;
  const known = made.get(btf) ?? new Map<string, Btf>();
  made.set(btf, known);
  const key = `${name} ${size}`;
  const resized = known.get(key) ?? new Resizer(btf, id, size).run();
  known.set(key, resized);
  return resized;
}

class Resizer {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  /** What each type grows by; UNKNOWN before it is asked. */
  private readonly growth: Int32Array;

  constructor(
    private readonly btf: Btf,
    private readonly target: number,
    private readonly size: number,
  ) {
    this.bytes = btf.bytes.slice();
    this.view = new DataView(this.bytes.buffer);
    this.growth = new Int32Array(btf.nrTypes).fill(UNKNOWN);
  }

  run(): Btf {
    const { btf, target, view } = this;
    const array = this.fillingArray();
    this.growth[target] = this.size - btf.size(target);
    let users = 0;
    for (let id = btf.firstId; id < btf.nrTypes; id++) {
      const kind = btf.kind(id);
      if (kind !== 'struct' && kind !== 'union') continue;
      const at = btf.recordOffset(id);
      for (let i = 0, members = btf.vlen(id); i < members; i++) {
        if (view.getUint32(at + RECORD_HEADER + i * MEMBER + 4, true) === array) users++;
      }
      if (id !== target) this.move(id, at);
    }
    view.setUint32(btf.recordOffset(target) + 8, this.size, true);
    if (array) this.resizeArray(array, users === 1);
    return BtfReader.indexed(this.bytes, btf.toIndex(), `BTF with ${btf.name(target)} of ${this.size} bytes`);
  }

  /** The struct's array gets the struct's size; where others have it too, the struct takes one that has this size already. */
  private resizeArray(array: number, own: boolean): void {
    const { btf, target, view } = this;
    const at = (id: number): number => btf.recordOffset(id) + RECORD_HEADER;
    const length = (view.getUint32(at(array) + 8, true) * this.size) / btf.size(target);
    if (own) {
      view.setUint32(at(array) + 8, length, true);
      return;
    }
    const element = view.getUint32(at(array), true);
    for (let id = btf.firstId; id < btf.nrTypes; id++) {
      if (btf.kind(id) !== 'array' || view.getUint32(at(id), true) !== element) continue;
      if (view.getUint32(at(id) + 8, true) !== length) continue;
      view.setUint32(at(target) + 4, id, true);
      return;
    }
  }

  /** The array that is all that the struct has; 0 when it is no such struct. */
  private fillingArray(): number {
    const type = this.btf.type(this.target);
    if (type.kind !== 'struct' || type.members.length !== 1) return 0;
    const id = type.members[0]?.type ?? 0;
    return this.btf.kind(id) === 'array' && this.btf.size(id) === this.btf.size(this.target) ? id : 0;
  }

  /** Writes a struct's or union's new size, and where its members lie. */
  private move(id: number, at: number): void {
    const grown = this.growthOf(id, 0);
    const isUnion = this.btf.kind(id) === 'union';
    let shift = 0;
    for (let i = 0, members = this.btf.vlen(id); i < members; i++) {
      const member = at + RECORD_HEADER + i * MEMBER;
      const more = this.growthOf(this.view.getUint32(member + 4, true), 0);
      if (shift) this.view.setUint32(member + 8, this.view.getUint32(member + 8, true) + shift * 8, true);
      if (!isUnion) shift += more;
    }
    if (grown) this.view.setUint32(at + 8, this.btf.size(id) + grown, true);
  }

  private growthOf(id: number, depth: number): number {
    const known = this.growth[id] as number;
    if (known !== UNKNOWN) return known;
    const grown = depth > MAX_DEPTH ? 0 : this.work(id, depth + 1);
    this.growth[id] = grown;
    return grown;
  }

  private work(id: number, depth: number): number {
    const { btf, view } = this;
    switch (btf.kind(id)) {
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        return this.growthOf(view.getUint32(btf.recordOffset(id) + 8, true), depth);
      case 'array': {
        const at = btf.recordOffset(id) + RECORD_HEADER;
        return this.growthOf(view.getUint32(at, true), depth) * view.getUint32(at + 8, true);
      }
      case 'struct':
        return this.members(id).reduce((sum, type) => sum + this.growthOf(type, depth), 0);
      case 'union': {
        const types = this.members(id);
        if (types.every((type) => this.growthOf(type, depth) === 0)) return 0;
        return Math.max(...types.map((type) => btf.size(type) + this.growthOf(type, depth))) - btf.size(id);
      }
      default:
        return 0;
    }
  }

  /** Types of the members. */
  private members(id: number): number[] {
    const at = this.btf.recordOffset(id) + RECORD_HEADER + 4;
    return Array.from({ length: this.btf.vlen(id) }, (_, i) => this.view.getUint32(at + i * MEMBER, true));
  }
}
