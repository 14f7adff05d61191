/** Maps that the object defines: in .maps by BTF, or in the old `maps` section by numbers. */
import type { Btf, BtfMember, BtfStruct } from '../btf/btf.ts';
import { InputError, NotSupported } from '../errors.ts';
import { type MapType, mapTypes } from '../uapi/bpf.ts';
import { STT_FUNC, STT_OBJECT } from '../uapi/elf.ts';
import type { ElfObject, ElfSection } from './elf.ts';
import type { MapSpec } from './spec.ts';

/** A map while its initial slots are still being filled in. */
export interface MapDraft extends Omit<MapSpec, 'values'> {
  readonly values: { index: number; name: string }[];
  /** ELF section and offset of the variable that defines it: what relocations name. */
  readonly elfSection: number;
  readonly elfOffset: number;
}

const PAGE_SIZE = 4096;
/** Slots that `values` may name: as many as the kernel lets a map of file descriptors have is far above any use. */
const MAX_VALUES = 1 << 20;

interface Definition {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  mapExtra: bigint;
  numaNode: number | null;
  pinning: number;
  keyTypeId: number;
  valueTypeId: number;
  inner: Definition | null;
}

/**
 * Maps of the .maps section, in the order of their variables.
 * @throws InputError in libbpf's words
 */
export function btfMaps(elf: ElfObject, btf: Btf | null): MapDraft[] {
  const section = elf.section('.maps');
  if (!section) return [];
  const bad = (problem: string): InputError => new InputError(elf.what, 'section .maps', problem);
  if (!btf) throw bad('BTF is required, but is missing or corrupted.');
  const datasecId = btf.find('.maps', 'datasec');
  const datasec = btf.type(datasecId);
  if (datasec.kind !== 'datasec') throw bad("DATASEC '.maps' not found.");
  return datasec.vars.map((row, i) => {
    const variable = btf.type(row.type);
    const name = variable.name;
    if (name === '') throw bad(`map #${i}: empty name.`);
    if (row.offset + row.size > section.size) throw bad(`map '${name}' BTF data is corrupted.`);
    if (variable.kind !== 'var') throw bad(`map '${name}': unexpected var kind ${variable.kind}.`);
    if (variable.linkage !== 'global') throw bad(`map '${name}': unsupported map linkage ${variable.linkage}.`);
    const shape = btf.type(btf.skipMods(variable.type));
    if (shape.kind !== 'struct') throw bad(`map '${name}': unexpected def kind ${shape.kind}.`);
    if (shape.size > row.size) throw bad(`map '${name}': invalid def size.`);
    const definition = new DefinitionReader(btf, bad).read(name, shape, false);
    return { ...toSpec(name, definition), elfSection: section.index, elfOffset: row.offset };
  });
}

function toSpec(name: string, definition: Definition): Omit<MapDraft, 'elfSection' | 'elfOffset'> {
  const type = mapTypes[definition.type];
  if (!type) throw new NotSupported(`map type ${definition.type} (map '${name}')`);
  const { inner } = definition;
  return {
    name,
    type,
    keySize: definition.keySize,
    valueSize: definition.valueSize,
    maxEntries: adjustEntries(type, definition.maxEntries),
    flags: definition.flags,
    mapExtra: definition.mapExtra,
    numaNode: definition.numaNode,
    pinning: definition.pinning === 1 ? 'byName' : 'none',
    keyTypeId: definition.keyTypeId,
    valueTypeId: definition.valueTypeId,
    section: null,
    inner: inner && toSpec(`${name}.inner`, inner),
    values: [],
  };
}

/** Ring buffers are a power of two of pages; libbpf rounds up for the author. */
function adjustEntries(type: MapType, entries: number): number {
  if ((type !== 'ringbuf' && type !== 'user_ringbuf') || entries === 0) return entries;
  const pages = entries / PAGE_SIZE;
  if (Number.isInteger(pages) && (pages & (pages - 1)) === 0) return entries;
  for (let size = PAGE_SIZE; size <= 0x8000_0000; size *= 2) if (size > entries) return size;
  return entries;
}

class DefinitionReader {
  constructor(
    private readonly btf: Btf,
    private readonly bad: (problem: string) => InputError,
  ) {}

  read(map: string, shape: BtfStruct, isInner: boolean): Definition {
    const definition: Definition = {
      type: 0,
      keySize: 0,
      valueSize: 0,
      maxEntries: 0,
      flags: 0,
      mapExtra: 0n,
      numaNode: null,
      pinning: 0,
      keyTypeId: 0,
      valueTypeId: 0,
      inner: null,
    };
    for (const [i, member] of shape.members.entries()) {
      this.attribute(map, definition, member, isInner, i === shape.members.length - 1);
    }
    if (definition.type === 0) throw this.bad(`map '${map}': map type isn't specified.`);
    return definition;
  }

  private attribute(map: string, into: Definition, member: BtfMember, isInner: boolean, isLast: boolean): void {
    switch (member.name) {
      case 'type':
        into.type = this.int(map, member);
        return;
      case 'max_entries':
        into.maxEntries = this.int(map, member);
        return;
      case 'map_flags':
        into.flags = this.long(map, member, 32);
        return;
      case 'numa_node':
        into.numaNode = this.int(map, member);
        return;
      case 'map_extra':
        into.mapExtra = this.wide(map, member);
        return;
      case 'key_size':
        into.keySize = this.agree(map, 'key', into.keySize, this.int(map, member));
        return;
      case 'value_size':
        into.valueSize = this.agree(map, 'value', into.valueSize, this.int(map, member));
        return;
      case 'key':
        into.keyTypeId = this.pointee(map, 'key', member);
        into.keySize = this.agree(map, 'key', into.keySize, this.sizeOf(map, 'key', into.keyTypeId));
        return;
      case 'value':
        into.valueTypeId = this.pointee(map, 'value', member);
        into.valueSize = this.agree(map, 'value', into.valueSize, this.sizeOf(map, 'value', into.valueTypeId));
        return;
      case 'pinning':
        if (isInner) throw this.bad(`map '${map}': inner def can't be pinned.`);
        into.pinning = this.int(map, member);
        if (into.pinning > 1) throw this.bad(`map '${map}': invalid pinning value ${into.pinning}.`);
        return;
      case 'values':
        this.values(map, into, member, isInner, isLast);
        return;
      default:
        throw this.bad(`map '${map}': unknown field '${member.name}'.`);
    }
  }

  private values(map: string, into: Definition, member: BtfMember, isInner: boolean, isLast: boolean): void {
    const type = mapTypes[into.type];
    const ofMaps = type === 'array_of_maps' || type === 'hash_of_maps';
    const what = ofMaps ? 'map-in-map inner' : 'prog-array value';
    if (isInner) throw this.bad(`map '${map}': multi-level inner maps not supported.`);
    if (!isLast) throw this.bad(`map '${map}': '${member.name}' member should be last.`);
    if (!ofMaps && type !== 'prog_array') throw this.bad(`map '${map}': should be map-in-map or prog-array.`);
    into.valueSize = this.agree(map, 'value', into.valueSize, 4);
    const array = this.btf.type(member.type);
    if (array.kind !== 'array' || array.nelems !== 0) {
      throw this.bad(`map '${map}': ${what} spec is not a zero-sized array.`);
    }
    const pointer = this.btf.type(this.btf.skipMods(array.elemType));
    if (pointer.kind !== 'ptr') throw this.bad(`map '${map}': ${what} def is of unexpected kind ${pointer.kind}.`);
    const target = this.btf.type(this.btf.skipMods(pointer.type));
    if (ofMaps) {
      if (target.kind !== 'struct') throw this.bad(`map '${map}': ${what} def is of unexpected kind ${target.kind}.`);
      into.inner = this.read(`${map}.inner`, target, true);
    } else if (target.kind !== 'func_proto') {
      throw this.bad(`map '${map}': ${what} def is of unexpected kind ${target.kind}.`);
    }
  }

  /** `int (*name)[N]` states the number N. */
  private int(map: string, member: BtfMember): number {
    const pointer = this.btf.type(this.btf.skipMods(member.type));
    if (pointer.kind !== 'ptr') throw this.unexpected(map, member, 'PTR', pointer.kind);
    const array = this.btf.type(pointer.type);
    if (array.kind !== 'array') throw this.unexpected(map, member, 'ARRAY', array.kind);
    return array.nelems;
  }

  /** As int(), or an enum of one value (`__ulong`). */
  private wide(map: string, member: BtfMember): bigint {
    const type = this.btf.type(this.btf.skipMods(member.type));
    if (type.kind === 'ptr') return BigInt(this.int(map, member));
    if (type.kind !== 'enum' && type.kind !== 'enum64') throw this.unexpected(map, member, 'ENUM or ENUM64', type.kind);
    const [only, ...others] = type.values;
    if (!only || others.length > 0) throw this.bad(`map '${map}': attr '${member.name}': invalid __ulong`);
    return BigInt.asUintN(64, only.value);
  }

  private long(map: string, member: BtfMember, bits: number): number {
    const value = this.wide(map, member);
    if (value >> BigInt(bits))
      throw this.bad(`map '${map}': attr '${member.name}': ${value} takes more than ${bits} bits`);
    return Number(value);
  }

  private pointee(map: string, what: string, member: BtfMember): number {
    const pointer = this.btf.type(member.type);
    if (pointer.kind !== 'ptr') throw this.bad(`map '${map}': ${what} spec is not PTR: ${pointer.kind}.`);
    return pointer.type;
  }

  private sizeOf(map: string, what: string, id: number): number {
    const size = this.btf.size(id);
    if (size < 0) throw this.bad(`map '${map}': can't determine ${what} size for type [${id}]: -EINVAL.`);
    return size;
  }

  private agree(map: string, what: string, before: number, now: number): number {
    if (before && before !== now) throw this.bad(`map '${map}': conflicting ${what} size ${before} != ${now}.`);
    return now;
  }

  private unexpected(map: string, member: BtfMember, want: string, got: string): InputError {
    return this.bad(`map '${map}': attr '${member.name}': expected ${want}, got ${got}.`);
  }
}

/** Maps of the `maps` section (struct bpf_map_def), which libbpf before 1.0 took. */
export function legacyMaps(elf: ElfObject): MapDraft[] {
  const section = elf.section('maps');
  if (!section || section.size === 0) return [];
  const symbols = elf.symbols
    .filter((symbol) => symbol.section === section.index && symbol.type === STT_OBJECT && symbol.name !== '')
    .sort((a, b) => a.value - b.value);
  const bad = (problem: string): InputError => new InputError(elf.what, 'section maps', problem);
  if (symbols.length === 0) throw bad('no symbol names a map');
  const size = section.size / symbols.length;
  if (size < 20 || !Number.isInteger(size)) {
    throw bad(`${section.size} bytes for ${symbols.length} maps; a definition takes at least 20 bytes`);
  }
  const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.byteLength);
  return symbols.map((symbol) => {
    if (symbol.value + size > section.size) throw bad(`map '${symbol.name}' at ${symbol.value} ends past the section`);
    const u32 = (field: number): number => view.getUint32(symbol.value + field, true);
    const definition: Definition = {
      type: u32(0),
      keySize: u32(4),
      valueSize: u32(8),
      maxEntries: u32(12),
      flags: u32(16),
      mapExtra: 0n,
      numaNode: null,
      pinning: 0,
      keyTypeId: 0,
      valueTypeId: 0,
      inner: null,
    };
    return { ...toSpec(symbol.name, definition), elfSection: section.index, elfOffset: symbol.value };
  });
}

/**
 * Fills the slots that `.values = { ... }` names, from the relocations of .maps.
 * @throws InputError in libbpf's words
 */
export function fillValues(elf: ElfObject, rel: ElfSection, btf: Btf, maps: readonly MapDraft[]): void {
  const bad = (problem: string): InputError => new InputError(elf.what, `section ${rel.name}`, problem);
  const datasec = btf.type(btf.find('.maps', 'datasec'));
  if (datasec.kind !== 'datasec') throw bad("DATASEC '.maps' not found.");
  const names = new Set(maps.map((map) => map.name));
  const places = new Map(maps.filter((map) => map.elfSection === rel.info).map((map) => [map.elfOffset, map]));
  for (const [i, { offset, symbol: index }] of elf.relocations(rel).entries()) {
    const symbol = elf.symbols[index];
    const row = rowAt(datasec.vars, offset);
    const map = row && places.get(row.offset);
    if (!symbol || !map) {
      throw bad(`.maps relo #${i}: cannot find map '${symbol?.name}' at rel->r_offset ${offset}`);
    }
    if (map.type === 'array_of_maps' || map.type === 'hash_of_maps') {
      if (symbol.section !== map.elfSection) throw bad(`.maps relo #${i}: '${symbol.name}' isn't a BTF-defined map`);
      if (map.type === 'hash_of_maps' && map.keySize !== 4) {
        throw bad(`.maps relo #${i}: hash-of-maps '${map.name}' should have key size 4.`);
      }
      if (!names.has(symbol.name)) {
        throw bad(`.maps relo #${i}: '${symbol.name}' isn't a valid map reference`);
      }
    } else if (map.type !== 'prog_array') {
      throw bad(`.maps relo #${i}: map '${map.name}' is neither map-in-map nor prog-array`);
    } else if (symbol.type !== STT_FUNC || elf.sections[symbol.section]?.name === '.text') {
      throw bad(`.maps relo #${i}: '${symbol.name}' isn't an entry-point program`);
    }
    const shape = btf.type(btf.skipMods(row.type && variableType(btf, row.type)));
    const last = shape.kind === 'struct' ? shape.members.at(-1) : undefined;
    const slot = last ? (offset - row.offset - last.bitOffset / 8) / 8 : -1;
    if (last?.name !== 'values' || slot < 0 || !Number.isInteger(slot) || slot > MAX_VALUES) {
      throw bad(`.maps relo #${i}: offset ${offset} is not in 'values' of map '${map.name}'`);
    }
    map.values.push({ index: slot, name: symbol.name });
  }
}

/** The variable that holds the 8 bytes at an offset; variables are sorted by offset. */
function rowAt<T extends { offset: number; size: number }>(rows: readonly T[], offset: number): T | undefined {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as T).offset <= offset) low = middle + 1;
    else high = middle;
  }
  const row = rows[low - 1];
  return row && offset + 8 <= row.offset + row.size ? row : undefined;
}

function variableType(btf: Btf, id: number): number {
  const type = btf.type(id);
  return type.kind === 'var' ? type.type : 0;
}
