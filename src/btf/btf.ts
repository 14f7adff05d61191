/**
 * BPF Type Format. Parsing makes one pass that checks every record and remembers where it starts, so that a kernel's
 * 126,000 types cost milliseconds; a type becomes an object when it is asked for.
 */
import { InputError } from '../errors.ts';
import {
  BTF_HEADER_SIZE,
  BTF_KIND,
  BTF_MAGIC,
  BTF_MAX_RESOLVE_DEPTH,
  BTF_TYPE_SIZE,
  BTF_VERSION,
  type BtfKind,
  btfKinds,
  btfRecordSize,
} from '../uapi/btf.ts';
import { decodeType } from './decode.ts';
import { candidates, essentialName, type NameTable, nameTable } from './names.ts';
import { readIndex, type TypeIndex, writeIndex } from './type_index.ts';
import type { BtfDeclTag, BtfType } from './types.ts';

export type * from './types.ts';

const VOID: BtfType = { kind: 'void', id: 0, name: '' };
const KINDS = btfKinds.length;
/** In words of 4 bytes. */
const FIXED = Uint8Array.from(btfRecordSize, (row) => row.fixed / 4);
const EACH = Uint8Array.from(btfRecordSize, (row) => row.each / 4);
/** Kinds whose `size or type` word is a type id. */
const REFERS = Uint8Array.from(btfKinds, (kind) =>
  ['ptr', 'typedef', 'volatile', 'const', 'restrict', 'func', 'func_proto', 'var', 'decl_tag', 'type_tag'].includes(
    kind,
  )
    ? 1
    : 0,
);

export class Btf {
  /** Raw BTF, as it would go into BPF_BTF_LOAD. */
  readonly bytes: Uint8Array;
  readonly base: Btf | null;
  /** Number of types, with void: ids go from 0 to nrTypes - 1 (libbpf's btf__type_cnt). */
  readonly nrTypes: number;
  /** First id that is not in `base`; 1 without a base. */
  readonly firstId: number;
  private readonly view: DataView;
  /** Offset in `bytes` of each own type's record, by id - firstId. */
  private readonly offsets: Uint32Array;
  /** Kind of each own type. */
  private readonly kinds: Uint8Array;
  /** The type section as 32-bit words, for the passes over all types. */
  private readonly words: Uint32Array;
  private readonly typeStart: number;
  private readonly stringStart: number;
  private readonly stringLength: number;
  /** Length of the strings of the base chain: an own string's offset starts there. */
  private readonly baseStrings: number;
  private readonly strings = new Map<number, string>();
  private readonly cache: (BtfType | undefined)[] = [];
  private table: NameTable | undefined;
  private tags: Map<number, BtfDeclTag[]> | undefined;

  /**
   * Parses raw BTF. `base`: what split BTF refers to. `what` names the file in errors.
   * @throws InputError naming the offset: bad header, cut off record, unknown kind, id or string out of range
   */
  static parse(bytes: Uint8Array, base: Btf | null = null, what = 'BTF'): Btf {
    const btf = new Btf(bytes, base, what);
    btf.checkReferences();
    return btf;
  }

  /**
   * As parse(), for a kernel's BTF: ids and names inside the records are checked when something reads them, because looking
   * at all of them costs more than everything else.
   */
  static parseLazily(bytes: Uint8Array, what = 'BTF'): Btf {
    return new Btf(bytes, null, what);
  }

  /** As parseLazily(), with what toIndex() of the same BTF gave: takes no look at the types at all. */
  static indexed(bytes: Uint8Array, index: Uint8Array, what = 'BTF'): Btf {
    return new Btf(bytes, null, what, index);
  }

  private constructor(
    input: Uint8Array,
    base: Btf | null,
    private readonly what: string,
    index?: Uint8Array,
  ) {
    // A Buffer's slice() would share its memory.
    const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    this.bytes = bytes;
    this.base = base;
    this.firstId = base ? base.nrTypes : 1;
    this.baseStrings = base ? base.baseStrings + base.stringLength : 0;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const view = this.view;
    const size = bytes.length;
    if (size < BTF_HEADER_SIZE) {
      throw this.bad(0, `${size} bytes are too few for a BTF header (${BTF_HEADER_SIZE} bytes)`);
    }
    const magic = view.getUint16(0, true);
    if (magic === 0x9feb) throw this.bad(0, 'big endian BTF; compile with -target bpfel or -target bpf on x86');
    if (magic !== BTF_MAGIC) throw this.bad(0, `no BTF: magic is 0x${magic.toString(16)}, not 0xeb9f`);
    if (view.getUint8(2) !== BTF_VERSION) {
      throw this.bad(2, `BTF version ${view.getUint8(2)} is not known, only 1 is`);
    }
    const headerLength = view.getUint32(4, true);
    const typeStart = headerLength + view.getUint32(8, true);
    this.typeStart = typeStart;
    const typeEnd = typeStart + view.getUint32(12, true);
    this.stringStart = headerLength + view.getUint32(16, true);
    this.stringLength = view.getUint32(20, true);
    const stringEnd = this.stringStart + this.stringLength;
    if (headerLength < BTF_HEADER_SIZE) throw this.bad(4, `header length ${headerLength} is below ${BTF_HEADER_SIZE}`);
    if (typeStart % 4) throw this.bad(8, `types start at ${typeStart}, which is no multiple of 4`);
    if (typeEnd > size) throw this.bad(12, `types end at ${typeEnd}, past the end (${size} bytes)`);
    if (stringEnd > size) throw this.bad(20, `strings end at ${stringEnd}, past the end (${size} bytes)`);
    if (!base && (this.stringLength === 0 || bytes[this.stringStart] !== 0)) {
      throw this.bad(this.stringStart, 'the first string must be the empty one');
    }
    if (this.stringLength > 0 && bytes[stringEnd - 1] !== 0) {
      throw this.bad(stringEnd - 1, 'the last string does not end in a zero byte');
    }
    this.words = wordsOf(bytes, typeStart, typeEnd);
    const { offsets, kinds, table } = index ? readIndex(index, bytes) : this.scan(typeStart, typeEnd);
    this.offsets = offsets;
    this.kinds = kinds;
    this.table = table;
    this.nrTypes = this.firstId + this.offsets.length;
  }

  /** Kind of a type; 'void' for 0. */
  kind(id: number): BtfKind {
    return btfKinds[this.kindNumber(id)] as BtfKind;
  }

  /** Name of a type; empty when anonymous. */
  name(id: number): string {
    return id === 0 ? '' : this.string(this.word(id, 0));
  }

  /** Number of members, values, parameters or variables. */
  vlen(id: number): number {
    return id === 0 ? 0 : this.word(id, 4) & 0xffff;
  }

  /** The type as an object; the same object each time. */
  type(id: number): BtfType {
    if (id === 0) return VOID;
    if (id < this.firstId && this.base) return this.base.type(id);
    const index = id - this.firstId;
    const known = this.cache[index];
    if (known) return known;
    const made = decodeType(this, this.view, this.at(id), id);
    this.cache[index] = made;
    return made;
  }

  /** String at an offset of the string section. */
  string(offset: number): string {
    if (offset === 0) return '';
    if (offset < this.baseStrings && this.base) return this.base.string(offset);
    const known = this.strings.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.baseStrings + this.stringLength) {
      throw new InputError(
        this.what,
        '',
        `a BTF name at ${offset} lies outside the strings (${this.stringLength} bytes)`,
      );
    }
    const start = this.stringStart + offset - this.baseStrings;
    const end = this.bytes.indexOf(0, start);
    const text = decodeText(this.bytes.subarray(start, end));
    this.strings.set(offset, text);
    return text;
  }

  /** Whether `offset` lies in the strings of this BTF or its base. */
  hasString(offset: number): boolean {
    return offset >= 0 && offset < this.baseStrings + this.stringLength;
  }

  /** Id of the first type of that name and kind; 0 when there is none. */
  find(name: string, kind: BtfKind): number {
    const inBase = this.base?.find(name, kind);
    if (inBase) return inBase;
    for (const id of this.namedLike(name, kind)) if (this.name(id) === name) return id;
    return 0;
  }

  /**
   * Ids of the types of a kind whose name without `___flavour` is `essential`, lowest first; own types and those of the
   * base.
   */
  findEssential(essential: string, kind: BtfKind): number[] {
    const own = [...this.namedLike(essential, kind)].filter((id) => essentialName(this.name(id)) === essential);
    return this.base ? [...this.base.findEssential(essential, kind), ...own] : own;
  }

  /** Bytes that a value of the type takes, through typedefs, qualifiers, variables and arrays; -1 when it has no size. */
  size(id: number): number {
    let count = 1;
    for (let depth = 0; depth < BTF_MAX_RESOLVE_DEPTH; depth++) {
      const kind = this.kindNumber(id);
      if (kind === BTF_KIND.array) {
        const at = this.at(id) + BTF_TYPE_SIZE;
        const view = this.owner(id).view;
        count *= view.getUint32(at + 8, true);
        if (count > 0xffffffff) return -1;
        id = view.getUint32(at, true);
      } else if (kind === BTF_KIND.ptr) {
        return count * 8;
      } else if (
        kind === BTF_KIND.void ||
        kind === BTF_KIND.fwd ||
        kind === BTF_KIND.func ||
        kind === BTF_KIND.func_proto
      ) {
        return -1;
      } else if (REFERS[kind]) {
        id = this.word(id, 8);
      } else {
        const size = count * this.word(id, 8);
        return size > 0xffffffff ? -1 : size;
      }
    }
    return -1;
  }

  /** The type below typedefs, const, volatile, restrict and type tags. */
  skipMods(id: number): number {
    return this.skip(id, true);
  }

  /** The type below const, volatile, restrict and type tags; stops at a typedef. */
  skipQualifiers(id: number): number {
    return this.skip(id, false);
  }

  /** Declaration tags on a struct, function, variable or typedef. */
  declTags(id: number): readonly BtfDeclTag[] {
    if (id < this.firstId && this.base) return this.base.declTags(id);
    if (!this.tags) {
      this.tags = new Map();
      for (let tag = this.firstId; tag < this.nrTypes; tag++) {
        if (this.kindNumber(tag) !== BTF_KIND.decl_tag) continue;
        const type = this.type(tag) as BtfDeclTag;
        const list = this.tags.get(type.type);
        if (list) list.push(type);
        else this.tags.set(type.type, [type]);
      }
    }
    return this.tags.get(id) ?? [];
  }

  /** Offset of a type's record in `bytes` of the Btf that owns it. */
  recordOffset(id: number): number {
    return this.at(id);
  }

  private skip(id: number, typedefs: boolean): number {
    for (let depth = 0; depth < this.nrTypes; depth++) {
      const kind = this.kindNumber(id);
      const modifier =
        kind === BTF_KIND.const ||
        kind === BTF_KIND.volatile ||
        kind === BTF_KIND.restrict ||
        kind === BTF_KIND.type_tag ||
        (typedefs && kind === BTF_KIND.typedef);
      if (!modifier) return id;
      id = this.word(id, 8);
      if (depth > BTF_MAX_RESOLVE_DEPTH * 2) break;
    }
    throw this.bad(this.at(id), `type ${id} refers to itself`);
  }

  private kindNumber(id: number): number {
    if (id === 0) return 0;
    const kind = this.kinds[id - this.firstId];
    if (kind !== undefined) return kind;
    return id < this.firstId && this.base ? this.base.kindNumber(id) : this.at(id);
  }

  private word(id: number, field: number): number {
    const owner = this.owner(id);
    return owner.view.getUint32(owner.at(id) + field, true);
  }

  private owner(id: number): Btf {
    return id < this.firstId && this.base ? this.base.owner(id) : this;
  }

  private at(id: number): number {
    if (id < this.firstId && this.base) return this.base.at(id);
    const offset = this.offsets[id - this.firstId];
    if (offset === undefined) {
      throw new InputError(this.what, '', `BTF type ${id} does not exist: ids go from 0 to ${this.nrTypes - 1}`);
    }
    return offset;
  }

  private bad(offset: number, problem: string): InputError {
    return new InputError(this.what, `BTF offset 0x${offset.toString(16)}`, problem);
  }

  /** Own types of a kind that may have that name, or a flavour of it. */
  private *namedLike(name: string, kind: BtfKind): Generator<number, void> {
    if (name === '') return;
    this.table ??= this.names();
    const wanted = BTF_KIND[kind];
    for (const i of candidates(this.table, name)) if (this.kinds[i] === wanted) yield this.firstId + i;
  }

  private names(): NameTable {
    const { words, offsets, typeStart } = this;
    const least = Math.max(this.baseStrings, 1);
    const shift = this.stringStart - this.baseStrings;
    const starts = new Uint32Array(offsets.length);
    for (let i = 0; i < starts.length; i++) {
      const name = words[((offsets[i] as number) - typeStart) >>> 2] as number;
      if (name >= least) starts[i] = shift + name;
    }
    return nameTable(this.bytes, starts);
  }

  /** What Btf.indexed() takes to open the same bytes again. */
  toIndex(): Uint8Array {
    this.table ??= this.names();
    return writeIndex(this.bytes, { offsets: this.offsets, kinds: this.kinds, table: this.table });
  }

  /** Where each record starts and what kind it is. */
  private scan(start: number, end: number): TypeIndex {
    const { words } = this;
    const strings = this.baseStrings + this.stringLength;
    // 16 bytes a type is what kernels have on average; more are taken when that is not enough.
    let offsets = new Uint32Array(((end - start) >> 4) + 16);
    let kinds = new Uint8Array(offsets.length);
    let count = 0;
    let at = 0;
    const length = words.length;
    while (at < length) {
      const byte = start + at * 4;
      if (at + 3 > length) throw this.bad(byte, `type ${this.firstId + count} is cut off`);
      const info = words[at + 1] as number;
      const kind = (info >>> 24) & 0x1f;
      if (kind === 0 || kind >= KINDS)
        throw this.bad(byte + 4, `type ${this.firstId + count} has unknown kind ${kind}`);
      if ((words[at] as number) >= strings) {
        throw this.bad(byte, `name of type ${this.firstId + count} lies outside the strings`);
      }
      if (count === offsets.length) {
        offsets = grown(offsets, new Uint32Array(count * 2));
        kinds = grown(kinds, new Uint8Array(count * 2));
      }
      offsets[count] = byte;
      kinds[count++] = kind;
      at += 3 + (FIXED[kind] as number) + (EACH[kind] as number) * (info & 0xffff);
      if (at > length) throw this.bad(byte, `type ${this.firstId + count - 1} (${btfKinds[kind]}) is cut off`);
    }
    return { offsets: offsets.slice(0, count), kinds: kinds.slice(0, count) };
  }

  /** Every type id and string offset in the records lies in range, so that reading a type cannot fail later. */
  private checkReferences(): void {
    const { view, offsets, nrTypes } = this;
    const strings = this.baseStrings + this.stringLength;
    const fail = (at: number, id: number, problem: string): never => {
      throw this.bad(at, `type ${id} (${this.kind(id)}): ${problem}`);
    };
    const wantType = (at: number, id: number): void => {
      const ref = view.getUint32(at, true);
      if (ref >= nrTypes) fail(at, id, `refers to type ${ref}, the last one is ${nrTypes - 1}`);
    };
    const wantString = (at: number, id: number): void => {
      const off = view.getUint32(at, true);
      if (off >= strings) fail(at, id, `a name at ${off} lies outside the strings (${strings} bytes)`);
    };
    for (let i = 0; i < offsets.length; i++) {
      const at = offsets[i] as number;
      const info = view.getUint32(at + 4, true);
      const kind = (info >>> 24) & 0x1f;
      const id = this.firstId + i;
      if (REFERS[kind]) wantType(at + 8, id);
      const body = at + BTF_TYPE_SIZE;
      if (kind === BTF_KIND.array) {
        wantType(body, id);
        wantType(body + 4, id);
        continue;
      }
      const each = (EACH[kind] as number) * 4;
      if (each === 0) continue;
      const hasType = kind !== BTF_KIND.enum && kind !== BTF_KIND.enum64;
      const hasName = kind !== BTF_KIND.datasec;
      const typeAt = kind === BTF_KIND.datasec ? 0 : 4;
      const end = body + each * (info & 0xffff);
      for (let entry = body; entry < end; entry += each) {
        if (hasType) wantType(entry + typeAt, id);
        if (hasName) wantString(entry, id);
      }
    }
  }
}

/** The section as words; copied where it lies at an odd place. A section that is no multiple of 4 keeps its last word. */
function wordsOf(bytes: Uint8Array, start: number, end: number): Uint32Array {
  const count = Math.ceil((end - start) / 4);
  const offset = bytes.byteOffset + start;
  if (offset % 4 === 0 && (end - start) % 4 === 0 && LITTLE_ENDIAN) return new Uint32Array(bytes.buffer, offset, count);
  const copy = new DataView(new ArrayBuffer(count * 4));
  new Uint8Array(copy.buffer).set(bytes.subarray(start, end));
  const words = new Uint32Array(count);
  for (let i = 0; i < count; i++) words[i] = copy.getUint32(i * 4, true);
  return words;
}

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function grown<T extends Uint32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

const decoder = new TextDecoder();

function decodeText(bytes: Uint8Array): string {
  if (bytes.length > 64) return decoder.decode(bytes);
  let text = '';
  for (const byte of bytes) {
    if (byte > 127) return decoder.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}
