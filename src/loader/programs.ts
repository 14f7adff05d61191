/** Functions of the executable sections, and what their relocations name. */
import { InputError, NotSupported } from '../errors.ts';
import {
  SHN_LORESERVE,
  SHT_PROGBITS,
  SHT_REL,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_SECTION,
  STV_HIDDEN,
  STV_INTERNAL,
} from '../uapi/elf.ts';
import type { BtfExt } from './btf_ext.ts';
import { type ElfObject, type ElfSection, type ElfSymbol, isExecutable, isExtern } from './elf.ts';
import type { Extern } from './externs.ts';
import { ARENA_SECTION, dataKind } from './globals.ts';
import type { MapDraft } from './maps.ts';

const INSN = 8;
const CALL = 0x85;
const LD_IMM64 = 0x18;
const PSEUDO_CALL = 1;

/** A function of the object: an entry point, or a subprogram in .text. */
export interface Func {
  readonly name: string;
  /** Section without its `?`. */
  readonly section: string;
  readonly sectionIndex: number;
  readonly autoload: boolean;
  readonly isSubprog: boolean;
  /** Place in the section, in instructions. */
  readonly start: number;
  readonly insns: Uint8Array;
  readonly global: boolean;
  /** Global for the linker, static for the verifier: visibility hidden. */
  readonly hidden: boolean;
  /** By instruction of this function. */
  readonly relocations: Map<number, Reference>;
}

/** What a relocated instruction refers to, before programs are put together. */
export type Reference =
  | { readonly kind: 'extern'; readonly extern: number }
  | { readonly kind: 'map'; readonly map: number }
  | { readonly kind: 'data'; readonly map: number; readonly offset: number }
  /** A call; `insn` is the symbol's place in .text. */
  | { readonly kind: 'call'; readonly offset: number }
  | { readonly kind: 'subprogAddress'; readonly offset: number };

/**
 * The functions in order of section and place.
 * @throws InputError in libbpf's words
 */
export function findFunctions(elf: ElfObject): Func[] {
  const text = textSection(elf);
  const found: Func[] = [];
  for (const symbol of elf.symbols) {
    const section = elf.sections[symbol.section];
    if (symbol.type !== STT_FUNC || section?.type !== SHT_PROGBITS || section.size === 0) continue;
    if (isExecutable(section)) found.push(toFunction(elf, section, symbol, text));
  }
  return found.sort((a, b) => a.sectionIndex - b.sectionIndex || a.start - b.start);
}

/** .text holds the subprograms; 0 when there is none. */
export function textSection(elf: ElfObject): number {
  const section = elf.section('.text');
  return section && section.size > 0 && isExecutable(section) ? section.index : 0;
}

function toFunction(elf: ElfObject, section: ElfSection, symbol: ElfSymbol, text: number): Func {
  const { name, value, size } = symbol;
  const bad = (problem: string): InputError => new InputError(elf.what, `section '${section.name}'`, problem);
  if (value + size > section.size) throw bad(`program '${name}' at offset ${value} crosses section boundary`);
  const isSubprog = section.index === text;
  if (!isSubprog && symbol.bind === STB_LOCAL) throw bad(`program '${name}' is static and not supported`);
  if (size === 0 || size % INSN || value % INSN) {
    throw bad(`corrupted program '${name}', offset ${value}, size ${size}`);
  }
  return {
    name,
    section: section.name.replace(/^\?/, ''),
    sectionIndex: section.index,
    autoload: !section.name.startsWith('?'),
    isSubprog,
    start: value / INSN,
    insns: section.data.slice(value, value + size),
    global: symbol.bind !== STB_LOCAL,
    hidden: symbol.bind !== STB_LOCAL && (symbol.visibility === STV_HIDDEN || symbol.visibility === STV_INTERNAL),
    relocations: new Map(),
  };
}

/** The function that holds an instruction of a section; functions are sorted. */
export function functionAt(funcs: readonly Func[], sectionIndex: number, insn: number): Func | undefined {
  let low = 0;
  let high = funcs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const func = funcs[middle] as Func;
    const before = func.sectionIndex < sectionIndex || (func.sectionIndex === sectionIndex && func.start <= insn);
    if (before) low = middle;
    else high = middle - 1;
  }
  const func = funcs[low];
  if (!func || func.sectionIndex !== sectionIndex) return undefined;
  return insn >= func.start && insn < func.start + func.insns.length / INSN ? func : undefined;
}

/** Reads the relocations of the executable sections into the functions. */
export function readRelocations(
  elf: ElfObject,
  funcs: readonly Func[],
  maps: readonly MapDraft[],
  externs: readonly Extern[],
): void {
  const text = textSection(elf);
  const bySymbol = new Map(externs.map((row, i) => [row.symbol, i]));
  const places = mapPlaces(maps);
  for (const rel of elf.sections) {
    const target = elf.sections[rel.info];
    if (rel.type !== SHT_REL || !target || !isExecutable(target)) continue;
    for (const [i, entry] of elf.relocations(rel).entries()) {
      const bad = (problem: string): InputError => new InputError(elf.what, `section '${rel.name}'`, problem);
      const symbol = elf.symbols[entry.symbol] as ElfSymbol;
      if (symbol.section >= elf.sections.length && symbol.section < SHN_LORESERVE) {
        throw bad(`corrupted symbol #${symbol.index} pointing to invalid section #${symbol.section} for relo #${i}`);
      }
      if (entry.offset % INSN || entry.offset >= target.size) {
        throw bad(`invalid offset 0x${entry.offset.toString(16)} for relo #${i}`);
      }
      const func = functionAt(funcs, target.index, entry.offset / INSN);
      // A weak function that another definition replaced leaves its relocations behind.
      if (!func) continue;
      const insn = entry.offset / INSN - func.start;
      func.relocations.set(insn, new Reader(elf, func, text, places, bySymbol).reference(symbol, insn));
    }
  }
}

/** Indexes of maps by what relocations name: section and offset of a definition, a data section, the arena. */
function mapPlaces(maps: readonly MapDraft[]): Map<string, number> {
  const places = new Map<string, number>();
  const add = (key: string, index: number): void => {
    if (!places.has(key)) places.set(key, index);
  };
  for (const [index, map] of maps.entries()) {
    if (map.type === 'arena') add('arena', index);
    if (map.section && map.type !== 'arena') add(`data ${map.elfSection}`, index);
    else add(`${map.elfSection} ${map.elfOffset}`, index);
  }
  return places;
}

class Reader {
  constructor(
    private readonly elf: ElfObject,
    private readonly func: Func,
    private readonly text: number,
    private readonly maps: ReadonlyMap<string, number>,
    private readonly externs: ReadonlyMap<number, number>,
  ) {}

  reference(symbol: ElfSymbol, insn: number): Reference {
    const { insns } = this.func;
    const at = insn * INSN;
    const code = insns[at];
    const section = this.elf.sections[symbol.section];
    const name = symbol.type === STT_SECTION && symbol.name === '' ? (section?.name ?? '<?>') : symbol.name;
    if (code !== CALL && code !== LD_IMM64) {
      throw this.bad(`invalid relo against '${name}' for insns[${insn}].code 0x${code?.toString(16)}`);
    }
    if (code === LD_IMM64 && at + 16 > insns.length) throw this.bad(`ld_imm64 at insns[${insn}] is cut off`);
    if (isExtern(symbol)) {
      const index = this.externs.get(symbol.index);
      if (index === undefined) throw this.bad(`extern relo failed to find extern for '${name}' (${symbol.index})`);
      return { kind: 'extern', extern: index };
    }
    if (code === CALL) return this.call(symbol, name, at);
    if (symbol.section === 0 || symbol.section >= SHN_LORESERVE || !section) {
      throw this.bad(
        `invalid relo against '${name}' in special section 0x${symbol.section.toString(16)}; forgot to initialize global var?..`,
      );
    }
    const isFunction = (symbol.bind === STB_GLOBAL || symbol.bind === STB_WEAK) && symbol.type === STT_FUNC;
    const isText = symbol.section === this.text;
    if (isText && (isFunction || (symbol.bind === STB_LOCAL && symbol.type === STT_SECTION))) {
      const imm = imm32(insns, at);
      if (symbol.value % INSN || imm % INSN) {
        throw this.bad(`bad subprog addr relo against '${name}' at offset ${symbol.value}+${imm}`);
      }
      return { kind: 'subprogAddress', offset: symbol.value };
    }
    return this.mapOrData(symbol, section, name, at);
  }

  private call(symbol: ElfSymbol, name: string, at: number): Reference {
    if ((this.func.insns[at + 1] ?? 0) >> 4 !== PSEUDO_CALL) throw this.bad('incorrect bpf_call opcode');
    if (this.text === 0 || symbol.section !== this.text) {
      const section = this.elf.sections[symbol.section]?.name ?? '(null)';
      throw this.bad(`bad call relo against '${name}' in section '${section}'`);
    }
    if (symbol.value % INSN) throw this.bad(`bad call relo against '${name}' at offset ${symbol.value}`);
    return { kind: 'call', offset: symbol.value };
  }

  private mapOrData(symbol: ElfSymbol, section: ElfSection, name: string, at: number): Reference {
    if (section.name === '.jumptables') throw new NotSupported(`jump tables (program '${this.func.name}')`);
    const kind = dataKind(section);
    const isArena = kind === 'arena' && section.name === ARENA_SECTION;
    if (kind) {
      const map = this.maps.get(isArena ? 'arena' : `data ${section.index}`);
      if (map === undefined) throw this.bad(`data relo failed to find map for section '${section.name}'`);
      return { kind: 'data', map, offset: (imm32(this.func.insns, at) + symbol.value) | 0 };
    }
    if (section.name !== '.maps' && section.name !== 'maps') {
      throw this.bad(`bad map relo against '${name}' in section '${section.name}'`);
    }
    const map = this.maps.get(`${section.index} ${symbol.value}`);
    if (map === undefined)
      throw this.bad(`map relo failed to find map for section '${section.name}', off ${symbol.value}`);
    return { kind: 'map', map };
  }

  private bad(problem: string): InputError {
    return new InputError(this.elf.what, `prog '${this.func.name}'`, problem);
  }
}

/** Fails when .BTF.ext names instructions that are no instructions. */
export function checkExt(elf: ElfObject, ext: BtfExt): void {
  for (const [section, rows] of ext.relocations) {
    const bad = rows.find((row) => row.offset % INSN);
    if (bad) {
      throw new InputError(
        elf.what,
        `section .BTF.ext`,
        `relocation at '${section}'+${bad.offset} is between instructions`,
      );
    }
  }
}

/** `imm` of the instruction at a byte offset. */
export function imm32(insns: Uint8Array, at: number): number {
  return new DataView(insns.buffer, insns.byteOffset).getInt32(at + 4, true);
}
