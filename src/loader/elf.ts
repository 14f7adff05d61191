/** ELF64 relocatable files for the BPF machine: sections, symbols, relocations; every offset checked against the file. */
import { InputError } from '../errors.ts';
import {
  ELF_HEADER_SIZE,
  ELF_REL_SIZE,
  ELF_SECTION_SIZE,
  ELF_SYMBOL_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  EM_BPF,
  EM_NONE,
  ET_REL,
  SHF_EXECINSTR,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_SYMTAB,
  STB_GLOBAL,
  STB_WEAK,
  STT_NOTYPE,
} from '../uapi/elf.ts';

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** File offset of `data`. */
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entsize: number;
  /** Contents; empty for SHT_NOBITS. */
  readonly data: Uint8Array;
}

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  readonly value: number;
  readonly size: number;
  readonly type: number;
  readonly bind: number;
  readonly visibility: number;
  /** Section index, or a reserved number from SHN_LORESERVE on. */
  readonly section: number;
}

export interface ElfRel {
  /** Byte offset in the section that is relocated. */
  readonly offset: number;
  readonly symbol: number;
}

/** Longest symbol or section name that is read. */
const MAX_NAME = 1024;
/** Sum of the sizes of sections without contents (.bss): they are memory that the file did not pay for. */
const MAX_NOBITS = 64 << 20;

export class ElfObject {
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** Index of the symbol table's section. */
  readonly symtab: number;
  private readonly byName = new Map<string, ElfSection>();

  /**
   * @param what - names the file in errors
   * @throws InputError naming the file offset: not ELF, not BPF, big endian, or anything outside the file
   */
  static parse(bytes: Uint8Array, what: string): ElfObject {
    return new ElfObject(bytes, what);
  }

  private constructor(
    input: Uint8Array,
    readonly what: string,
  ) {
    // A Buffer's slice() would share its memory.
    const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    const file = new SectionReader(bytes, what);
    const view = file.view;
    const type = view.getUint16(16, true);
    const machine = view.getUint16(18, true);
    if (type !== ET_REL) throw file.bad(16, `ELF type ${type} is no relocatable object (1)`);
    if (machine !== EM_BPF && machine !== EM_NONE) throw file.bad(18, `machine ${machine} is not BPF (${EM_BPF})`);
    this.sections = file.sections();
    for (const section of this.sections) if (!this.byName.has(section.name)) this.byName.set(section.name, section);
    const tables = this.sections.filter((section) => section.type === SHT_SYMTAB);
    const symtab = tables[0];
    if (!symtab) throw new InputError(what, '', 'no symbol table; was the object stripped?');
    if (tables.length > 1) throw new InputError(what, 'section .symtab', 'more than one symbol table');
    this.symtab = symtab.index;
    this.symbols = this.readSymbols(symtab);
  }

  /** The first section of that name. */
  section(name: string): ElfSection | undefined {
    return this.byName.get(name);
  }

  /** Entries of a SHT_REL section. */
  relocations(section: ElfSection): ElfRel[] {
    const where = `section ${section.name}`;
    if (section.entsize !== ELF_REL_SIZE || section.size % ELF_REL_SIZE) {
      throw new InputError(this.what, where, `entries of ${section.entsize} bytes, want ${ELF_REL_SIZE}`);
    }
    const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.byteLength);
    const list: ElfRel[] = [];
    for (let at = 0; at < section.size; at += ELF_REL_SIZE) {
      const symbol = view.getUint32(at + 12, true);
      if (symbol >= this.symbols.length) {
        throw new InputError(
          this.what,
          where,
          `relocation ${at / ELF_REL_SIZE} names symbol ${symbol}, there are ${this.symbols.length}`,
        );
      }
      list.push({ offset: u64(view, at), symbol });
    }
    return list;
  }

  private readSymbols(symtab: ElfSection): ElfSymbol[] {
    if (symtab.entsize !== ELF_SYMBOL_SIZE) {
      throw new InputError(this.what, 'section .symtab', `symbols of ${symtab.entsize} bytes, want ${ELF_SYMBOL_SIZE}`);
    }
    const strings = this.sections[symtab.link];
    if (!strings || symtab.link === 0) {
      throw new InputError(
        this.what,
        'section .symtab',
        `symbol strings in section ${symtab.link}, which does not exist`,
      );
    }
    const view = new DataView(symtab.data.buffer, symtab.data.byteOffset, symtab.data.byteLength);
    const list: ElfSymbol[] = [];
    for (let index = 0; (index + 1) * ELF_SYMBOL_SIZE <= symtab.size; index++) {
      const at = index * ELF_SYMBOL_SIZE;
      const info = view.getUint8(at + 4);
      list.push({
        index,
        name: readName(strings.data, view.getUint32(at, true), this.what, `name of symbol ${index}`),
        value: u64(view, at + 8),
        size: u64(view, at + 16),
        type: info & 0xf,
        bind: info >> 4,
        visibility: view.getUint8(at + 5) & 3,
        section: view.getUint16(at + 6, true),
      });
    }
    return list;
  }
}

/** Contents of a section of any little-endian ELF64 file; null when it has none of that name. */
export function elfSectionData(bytes: Uint8Array, name: string, what: string): Uint8Array | null {
  const section = new SectionReader(bytes, what).sections().find((candidate) => candidate.name === name);
  return section && section.data.length > 0 ? section.data : null;
}

class SectionReader {
  readonly view: DataView;
  private readonly table: number;
  private readonly count: number;
  private readonly names: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
  ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = view;
    if (bytes.length < ELF_HEADER_SIZE || view.getUint32(0, false) !== 0x7f454c46) {
      throw this.bad(0, 'not an ELF file; want an object compiled with -target bpf');
    }
    if (bytes[4] !== ELFCLASS64) throw this.bad(4, 'not a 64-bit ELF file');
    if (bytes[5] === ELFDATA2MSB) throw this.bad(5, 'big endian; compile with -target bpfel');
    if (bytes[5] !== ELFDATA2LSB) throw this.bad(5, `unknown byte order ${bytes[5]}`);
    this.table = u64(view, 40);
    this.count = view.getUint16(60, true);
    this.names = view.getUint16(62, true);
    const { table, count, names } = this;
    if (view.getUint16(58, true) !== ELF_SECTION_SIZE) {
      throw this.bad(58, `section headers of ${view.getUint16(58, true)} bytes, want ${ELF_SECTION_SIZE}`);
    }
    if (count === 0) throw this.bad(60, 'no sections');
    if (table + count * ELF_SECTION_SIZE > bytes.length) {
      throw this.bad(
        40,
        `${count} section headers at 0x${table.toString(16)} end past the file (${bytes.length} bytes)`,
      );
    }
    if (names >= count) throw this.bad(62, `section names in section ${names}, there are ${count} sections`);
  }

  sections(): ElfSection[] {
    const { view } = this;
    const strings = this.contents(this.names);
    let nobits = 0;
    return Array.from({ length: this.count }, (_, index) => {
      const header = this.header(index);
      const type = view.getUint32(header + 4, true);
      const data = this.contents(index);
      const size = type === SHT_NOBITS ? u64(view, header + 32) : data.length;
      if (type === SHT_NOBITS) nobits += size;
      if (nobits > MAX_NOBITS) {
        throw this.bad(header + 32, `section ${index} takes ${size} bytes; all .bss sections may take ${MAX_NOBITS}`);
      }
      const nameOff = view.getUint32(header, true);
      return {
        index,
        name: index === 0 ? '' : readName(strings, nameOff, this.what, `name of section ${index}`),
        type,
        flags: u64(view, header + 8),
        offset: u64(view, header + 24),
        size,
        link: view.getUint32(header + 40, true),
        info: view.getUint32(header + 44, true),
        entsize: u64(view, header + 56),
        data,
      };
    });
  }

  bad(offset: number, problem: string): InputError {
    return new InputError(this.what, `offset 0x${offset.toString(16)}`, problem);
  }

  private header(index: number): number {
    return this.table + index * ELF_SECTION_SIZE;
  }

  private contents(index: number): Uint8Array {
    const { bytes, view } = this;
    const header = this.header(index);
    if (view.getUint32(header + 4, true) === SHT_NOBITS || index === 0) return new Uint8Array(0);
    const start = u64(view, header + 24);
    const size = u64(view, header + 32);
    if (start + size > bytes.length) {
      const place = `section ${index} (${size} bytes at 0x${start.toString(16)})`;
      throw this.bad(header, `${place} ends past the file (${bytes.length} bytes)`);
    }
    return bytes.subarray(start, start + size);
  }
}

function readName(strings: Uint8Array, offset: number, what: string, where: string): string {
  if (offset === 0 && strings.length === 0) return '';
  if (offset >= strings.length) {
    throw new InputError(what, where, `lies at ${offset} in a string section of ${strings.length} bytes`);
  }
  const end = strings.subarray(offset, offset + MAX_NAME + 1).indexOf(0);
  if (end < 0) throw new InputError(what, where, `has no end within ${MAX_NAME} bytes`);
  return decoder.decode(strings.subarray(offset, offset + end));
}

/** What the kernel or libbpf must provide: undefined, untyped, not local. */
export const isExtern = (symbol: ElfSymbol): boolean =>
  symbol.section === SHN_UNDEF &&
  (symbol.bind === STB_GLOBAL || symbol.bind === STB_WEAK) &&
  symbol.type === STT_NOTYPE;

export const isExecutable = (section: ElfSection): boolean => (section.flags & SHF_EXECINSTR) !== 0;

const decoder = new TextDecoder();

/** Values past 2^53 lose bits, which is no loss: they lie outside every file. */
function u64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}
