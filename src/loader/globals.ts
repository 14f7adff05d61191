/** Global variables: each data section becomes an array map of one element, named as libbpf names it. */
import type { Btf } from '../btf/btf.ts';
import { InputError } from '../errors.ts';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG } from '../uapi/bpf.ts';
import { SHT_NOBITS, SHT_PROGBITS } from '../uapi/elf.ts';
import { type ElfObject, type ElfSection, isExecutable } from './elf.ts';
import type { Extern, VarSymbol } from './externs.ts';
import type { MapDraft } from './maps.ts';
import type { DataSection, VariableSpec } from './spec.ts';

/** Kernel names of maps and programs hold 15 characters. */
const NAME_LENGTH = 15;

/** Data sections in one object; authors have a dozen. */
const MAX_SECTIONS = 1024;

/** Section that holds the initial contents of an arena. */
export const ARENA_SECTION = '.addr_space.1';

/** What a section without the execute flag means to libbpf. */
export function dataKind(section: ElfSection): DataSection['kind'] | null {
  const named = (name: string): boolean => section.name === name || section.name.startsWith(`${name}.`);
  if (section.size === 0 || isExecutable(section)) return null;
  if (section.type === SHT_NOBITS) return named('.bss') ? 'bss' : null;
  if (section.type !== SHT_PROGBITS) return null;
  if (named('.data')) return 'data';
  if (named('.rodata')) return 'rodata';
  return section.name === ARENA_SECTION ? 'arena' : null;
}

/**
 * libbpf's name of a data section's map: the object's name before .data, .bss, .rodata and .kconfig, as much of it as
 * fits; `.data.NAME` stands alone.
 */
export function internalMapName(object: string, section: string): string {
  const suffix = Math.min(Math.max(7, section.length), NAME_LENGTH);
  const prefix = section.indexOf('.', 1) >= 0 ? 0 : Math.min(NAME_LENGTH - suffix, object.length);
  return (object.slice(0, prefix) + section.slice(0, suffix)).replace(/[^A-Za-z0-9_.]/g, '_');
}

/** The maps of .data, .rodata and .bss sections, in section order; an arena's initial contents go into `maps`. */
export function dataMaps(
  elf: ElfObject,
  object: string,
  btf: Btf | null,
  symbols: ReadonlyMap<string, VarSymbol>,
): MapDraft[] {
  const maps: MapDraft[] = [];
  const names = firstByName(btf);
  for (const section of elf.sections) {
    const kind = dataKind(section);
    if (!kind || kind === 'arena') continue;
    if (maps.length >= MAX_SECTIONS) {
      throw new InputError(elf.what, `section ${section.name}`, `more than ${MAX_SECTIONS} sections of variables`);
    }
    maps.push(internalMap(object, btf, names, symbols, kind, section.name, section.index, contents(section)));
  }
  return maps;
}

/** Attaches the arena's initial contents to the one arena map. */
export function withArenaData(elf: ElfObject, btf: Btf | null, maps: readonly MapDraft[]): MapDraft[] {
  const arenas = maps.filter((map) => map.type === 'arena');
  const [first, second] = arenas;
  if (first && second) {
    const problem = `map '${second.name}': only single ARENA map is supported (map '${first.name}' is also ARENA)`;
    throw new InputError(elf.what, 'section .maps', problem);
  }
  const section = elf.section(ARENA_SECTION);
  if (!section || dataKind(section) !== 'arena') return [...maps];
  const where = `section ${ARENA_SECTION}`;
  if (!first) {
    const problem = 'to use global __arena variables the ARENA map should be explicitly declared in SEC(".maps")';
    throw new InputError(elf.what, where, problem);
  }
  if (section.size > first.maxEntries * 4096) {
    const problem = `declared ARENA map size (${first.maxEntries * 4096}) is too small to hold global __arena variables of size ${section.size}`;
    throw new InputError(elf.what, where, problem);
  }
  const data: DataSection = {
    kind: 'arena',
    sectionName: section.name,
    data: contents(section),
    variables: variablesOf(btf, section.name, new Map()),
  };
  return maps.map((map) => (map === first ? { ...map, section: data } : map));
}

/** The .kconfig map; null when no extern lies in it. Its contents are zero until a kernel fills them in. */
export function kconfigMap(
  elf: ElfObject,
  object: string,
  btf: Btf | null,
  symbols: ReadonlyMap<string, VarSymbol>,
  externs: readonly Extern[],
): MapDraft | null {
  const last = externs.filter((row) => row.kind === 'kconfig').at(-1);
  if (!last) return null;
  const data = new Uint8Array(last.offset + last.size);
  return internalMap(object, btf, firstByName(btf), symbols, 'kconfig', '.kconfig', elf.symtab, data);
}

function internalMap(
  object: string,
  btf: Btf | null,
  names: ReadonlyMap<string, number>,
  symbols: ReadonlyMap<string, VarSymbol>,
  kind: DataSection['kind'],
  sectionName: string,
  elfSection: number,
  data: Uint8Array,
): MapDraft {
  const valueTypeId = names.get(sectionName) ?? 0;
  const readOnly = kind === 'rodata' || kind === 'kconfig';
  const shown = btf !== null && exposes(btf, valueTypeId);
  return {
    name: internalMapName(object, sectionName),
    type: 'array',
    keySize: 4,
    valueSize: data.length,
    maxEntries: 1,
    flags: (readOnly ? BPF_F_RDONLY_PROG : 0) | (shown ? BPF_F_MMAPABLE : 0),
    mapExtra: 0n,
    numaNode: null,
    pinning: 'none',
    keyTypeId: 0,
    valueTypeId,
    section: { kind, sectionName, data, variables: variablesOf(btf, sectionName, symbols) },
    inner: null,
    values: [],
    elfSection,
    elfOffset: 0,
  };
}

function contents(section: ElfSection): Uint8Array {
  return section.type === SHT_NOBITS ? new Uint8Array(section.size) : section.data.slice();
}

/** First type of each name that starts with a dot, whatever its kind: libbpf asks for no kind here. */
function firstByName(btf: Btf | null): Map<string, number> {
  const names = new Map<string, number>();
  for (let id = 1; btf && id < btf.nrTypes; id++) {
    const name = btf.name(id);
    if (name.startsWith('.') && !names.has(name)) names.set(name, id);
  }
  return names;
}

/** Whether a variable in it is for user space to see: then libbpf makes the map mappable. */
function exposes(btf: Btf, id: number): boolean {
  const type = btf.type(id);
  if (type.kind !== 'datasec') return false;
  return type.vars.some((row) => {
    const variable = btf.type(row.type);
    return variable.kind === 'var' && variable.linkage !== 'static';
  });
}

function variablesOf(btf: Btf | null, section: string, symbols: ReadonlyMap<string, VarSymbol>): VariableSpec[] {
  const type = btf?.type(btf.find(section, 'datasec'));
  if (!btf || type?.kind !== 'datasec') return [];
  return type.vars.map((row): VariableSpec => {
    const variable = btf.type(row.type);
    const weak = symbols.get(variable.name)?.weak === true;
    const isStatic = variable.kind === 'var' && variable.linkage === 'static';
    return {
      name: variable.name,
      offset: row.offset,
      size: row.size,
      typeId: variable.kind === 'var' ? variable.type : row.type,
      linkage: isStatic ? 'static' : weak ? 'weak' : 'global',
    };
  });
}
