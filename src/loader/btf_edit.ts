/** Changes raw BTF the way libbpf does before it hands it to a kernel: words in place, new types and names at the end. */
import { Btf } from '../btf/btf.ts';
import { BTF_HEADER_SIZE, BTF_KIND, BTF_TYPE_SIZE } from '../uapi/btf.ts';

export class BtfEditor {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly added: Uint32Array[] = [];
  private readonly names: string[] = [];
  private namesLength = 0;
  private nextId: number;

  /** `original` stays as it is; ids and offsets of its types and strings keep their meaning. */
  constructor(
    readonly original: Btf,
    private readonly what: string,
  ) {
    this.bytes = original.bytes.slice();
    this.view = new DataView(this.bytes.buffer);
    this.nextId = original.nrTypes;
  }

  /** Sets the `size or type` word of a type. */
  setSizeOrType(id: number, value: number): void {
    this.put(id, 8, value);
  }

  /** Sets the low 16 bits of `info`: the linkage of a function. */
  setVlen(id: number, value: number): void {
    const at = this.original.recordOffset(id) + 4;
    this.view.setUint32(at, ((this.view.getUint32(at, true) & 0xffff_0000) | value) >>> 0, true);
  }

  /** Linkage of a variable. */
  setVarLinkage(id: number, value: number): void {
    this.put(id, BTF_TYPE_SIZE, value);
  }

  getVarLinkage(id: number): number {
    return this.view.getUint32(this.original.recordOffset(id) + BTF_TYPE_SIZE, true);
  }

  /** Variable `index` of a data section. */
  setDatasecVar(id: number, index: number, type: number, offset: number, size: number): void {
    const at = BTF_TYPE_SIZE + index * 12;
    this.put(id, at, type);
    this.put(id, at + 4, offset);
    this.put(id, at + 8, size);
  }

  datasecVar(id: number, index: number): { type: number; offset: number; size: number } {
    const at = this.original.recordOffset(id) + BTF_TYPE_SIZE + index * 12;
    const u32 = (offset: number): number => this.view.getUint32(at + offset, true);
    return { type: u32(0), offset: u32(4), size: u32(8) };
  }

  /** Name of parameter `index` of a function prototype. */
  paramName(id: number, index: number): number {
    return this.view.getUint32(this.original.recordOffset(id) + BTF_TYPE_SIZE + index * 8, true);
  }

  setParamName(id: number, index: number, nameOff: number): void {
    this.put(id, BTF_TYPE_SIZE + index * 8, nameOff);
  }

  /** Sorts the variables of a data section by offset. */
  sortDatasec(id: number): void {
    const rows = Array.from({ length: this.original.vlen(id) }, (_, i) => this.datasecVar(id, i));
    rows.sort((a, b) => a.offset - b.offset);
    for (const [i, row] of rows.entries()) this.setDatasecVar(id, i, row.type, row.offset, row.size);
  }

  /** Appends a VAR; returns its id and the offset of its name. */
  addVar(name: string, type: number, linkage: number): { id: number; nameOff: number } {
    const nameOff = this.addString(name);
    this.added.push(Uint32Array.of(nameOff, (BTF_KIND.var << 24) >>> 0, type, linkage));
    return { id: this.nextId++, nameOff };
  }

  /** The changed BTF. */
  finish(): Btf {
    if (this.added.length === 0) return Btf.parse(this.bytes, null, this.what);
    const header = this.view.getUint32(4, true);
    const typeStart = header + this.view.getUint32(8, true);
    const typeLength = this.view.getUint32(12, true);
    const stringStart = header + this.view.getUint32(16, true);
    const stringLength = this.view.getUint32(20, true);
    const addedLength = this.added.reduce((sum, words) => sum + words.byteLength, 0);
    const out = new Uint8Array(BTF_HEADER_SIZE + typeLength + addedLength + stringLength + this.namesLength);
    const view = new DataView(out.buffer);
    out.set(this.bytes.subarray(0, BTF_HEADER_SIZE));
    view.setUint32(4, BTF_HEADER_SIZE, true);
    view.setUint32(8, 0, true);
    view.setUint32(12, typeLength + addedLength, true);
    view.setUint32(16, typeLength + addedLength, true);
    view.setUint32(20, stringLength + this.namesLength, true);
    let at = BTF_HEADER_SIZE;
    out.set(this.bytes.subarray(typeStart, typeStart + typeLength), at);
    at += typeLength;
    for (const words of this.added) for (const word of words) at = put(view, at, word);
    out.set(this.bytes.subarray(stringStart, stringStart + stringLength), at);
    at += stringLength;
    for (const name of this.names) {
      at += new TextEncoder().encodeInto(name, out.subarray(at)).written + 1;
    }
    return Btf.parse(out, null, this.what);
  }

  private addString(text: string): number {
    const offset = this.view.getUint32(20, true) + this.namesLength;
    this.names.push(text);
    this.namesLength += new TextEncoder().encode(text).length + 1;
    return offset;
  }

  private put(id: number, field: number, value: number): void {
    this.view.setUint32(this.original.recordOffset(id) + field, value, true);
  }
}

function put(view: DataView, at: number, word: number): number {
  view.setUint32(at, word, true);
  return at + 4;
}
