/** The .BTF.ext section: which function, source line and CO-RE relocation belongs to which instruction of a section. */
import type { Btf } from '../btf/btf.ts';
import { InputError } from '../errors.ts';
import { BTF_MAGIC, BTF_VERSION } from '../uapi/btf.ts';
import type { ElfSection } from './elf.ts';

/** One record; `words` are its 32-bit fields after the instruction offset. */
export interface ExtRecord {
  /** Byte offset of the instruction in its section. */
  readonly offset: number;
  /** Position among the records of its section. */
  readonly index: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Records by section name, in file order. */
export type ExtTable = ReadonlyMap<string, readonly ExtRecord[]>;

export interface BtfExt {
  /** a: type id. */
  readonly funcs: ExtTable;
  /** a: file name, b: text of the line (string offsets), c: line << 10 | column. */
  readonly lines: ExtTable;
  /** a: type id, b: access string, c: relocation kind. */
  readonly relocations: ExtTable;
}

const HEADER_WITHOUT_CORE = 24;
const HEADER = 32;

/**
 * @throws InputError naming the offset in the section
 */
export function parseBtfExt(section: ElfSection, btf: Btf, what: string): BtfExt {
  const { data } = section;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const bad = (offset: number, problem: string): InputError =>
    new InputError(what, `section .BTF.ext, offset 0x${offset.toString(16)}`, problem);
  if (data.length < HEADER_WITHOUT_CORE) throw bad(0, `${data.length} bytes are too few for a header`);
  if (view.getUint16(0, true) !== BTF_MAGIC) throw bad(0, 'magic is not 0xeb9f');
  if (view.getUint8(2) !== BTF_VERSION) throw bad(2, `version ${view.getUint8(2)} is not known, only 1 is`);
  const header = view.getUint32(4, true);
  if (header < HEADER_WITHOUT_CORE || header > data.length) throw bad(4, `header length ${header} is wrong`);

  const table = (field: number, minimum: number): ExtTable => {
    const records = new Map<string, ExtRecord[]>();
    if (field + 8 > header) return records;
    const length = view.getUint32(field + 4, true);
    if (length === 0) return records;
    let at = header + view.getUint32(field, true);
    const end = at + length;
    if (at % 4) throw bad(field, `records start at ${at}, which is no multiple of 4`);
    if (end > data.length) throw bad(field, `records end at ${end}, past the section (${data.length} bytes)`);
    if (length < 4) throw bad(at, 'record size is cut off');
    const size = view.getUint32(at, true);
    if (size < minimum || size % 4) throw bad(at, `records of ${size} bytes, want at least ${minimum}`);
    at += 4;
    while (at < end) {
      if (at + 8 > end) throw bad(at, 'section of records is cut off');
      const nameOff = view.getUint32(at, true);
      const count = view.getUint32(at + 4, true);
      if (!btf.hasString(nameOff)) throw bad(at, `section name at ${nameOff} lies outside the BTF strings`);
      if (count === 0) throw bad(at + 4, 'section without records');
      if (at + 8 + count * size > end) throw bad(at + 4, `${count} records of ${size} bytes end past the table`);
      const name = btf.string(nameOff);
      const list = records.get(name) ?? [];
      records.set(name, list);
      at += 8;
      for (let index = 0; index < count; index++, at += size) {
        list.push({
          offset: view.getUint32(at, true),
          index,
          a: view.getUint32(at + 4, true),
          b: size >= 12 ? view.getUint32(at + 8, true) : 0,
          c: size >= 16 ? view.getUint32(at + 12, true) : 0,
        });
      }
    }
    return records;
  };

  const ext = { funcs: table(8, 8), lines: table(16, 16), relocations: header >= HEADER ? table(24, 16) : new Map() };
  for (const row of rowsOf(ext.funcs)) wantType(row.a, 'function');
  for (const row of rowsOf(ext.lines)) {
    wantString(row.a);
    wantString(row.b);
  }
  for (const row of rowsOf(ext.relocations)) {
    wantType(row.a, 'relocation');
    wantString(row.b);
  }
  return ext;

  function wantType(id: number, of: string): void {
    if (id >= btf.nrTypes) throw bad(0, `${of} of type ${id}, the last one is ${btf.nrTypes - 1}`);
  }
  function wantString(offset: number): void {
    if (!btf.hasString(offset)) throw bad(0, `string at ${offset} lies outside the BTF strings`);
  }
}

const rowsOf = (table: ExtTable): ExtRecord[] => [...table.values()].flat();
