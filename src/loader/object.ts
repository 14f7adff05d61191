/** A compiled BPF object: bytes in, ObjectSpec out; the same bytes always give the same spec. */
import { Btf } from '../btf/btf.ts';
import { SHT_PROGBITS, SHT_REL, STB_GLOBAL, STB_WEAK, STT_OBJECT, STV_HIDDEN, STV_INTERNAL } from '../uapi/elf.ts';
import { assemblePrograms } from './assemble.ts';
import { BtfEditor } from './btf_edit.ts';
import { parseBtfExt } from './btf_ext.ts';
import { ElfObject } from './elf.ts';
import { collectExterns, fixDatasecs, type VarSymbol } from './externs.ts';
import { dataMaps, kconfigMap, withArenaData } from './globals.ts';
import { btfMaps, fillValues, legacyMaps, type MapDraft } from './maps.ts';
import { checkExt, type Func, findFunctions, readRelocations, textSection } from './programs.ts';
import type { MapSpec, ObjectSpec } from './spec.ts';
import { structOps } from './struct_ops.ts';

/** libbpf keeps 63 characters of the license. */
const LICENSE_LENGTH = 63;

/**
 * Reads a compiled object.
 * @param name - its path; the last part without `.bpf.o` or `.o` names the object, as libbpf does
 * @throws InputError when a section, offset or reference is bad, or when libbpf would refuse to open it (in its words)
 * @throws NotSupported by name for what a loader of 6.18 cannot place
 */
export function loadObject(bytes: Uint8Array, name: string): ObjectSpec {
  const elf = ElfObject.parse(bytes, name);
  const object = objectName(name);
  // Where libbpf names maps after the object, it stops at the first dot.
  const prefix = object.replace(/\..*/, '');
  const funcs = findFunctions(elf);
  const section = elf.section('.BTF');
  const raw = section && section.type === SHT_PROGBITS ? Btf.parse(section.data, null, `${name}: section .BTF`) : null;
  const edit = raw && new BtfEditor(raw, `${name}: section .BTF`);
  const symbols = variableSymbols(elf);
  const externs = collectExterns(elf, edit);
  if (edit) {
    fixDatasecs(elf, edit, symbols);
    hideFunctions(edit, funcs);
  }
  const btf = edit?.finish() ?? null;
  const extSection = elf.section('.BTF.ext');
  const ext = btf && extSection?.type === SHT_PROGBITS ? parseBtfExt(extSection, btf, name) : null;
  if (ext) checkExt(elf, ext);
  const defined = withArenaData(elf, btf, [...legacyMaps(elf), ...btfMaps(elf, btf)]);
  const kconfig = kconfigMap(elf, prefix, btf, symbols, externs);
  const maps = [...defined, ...dataMaps(elf, prefix, btf, symbols), ...(kconfig ? [kconfig] : [])];
  readRelocations(elf, funcs, maps, externs);
  for (const rel of elf.sections) {
    if (btf && rel.type === SHT_REL && elf.sections[rel.info]?.name === '.maps') fillValues(elf, rel, btf, maps);
  }
  const programs = assemblePrograms({
    what: name,
    funcs,
    text: textSection(elf),
    btf,
    ext,
    externs,
    kconfig: maps.length - 1,
    sectionNames: elf.sections.map(({ name: sectionName }) => sectionName),
  });
  return {
    file: name,
    name: object,
    license: license(elf),
    btf,
    maps: maps.map(toMapSpec),
    programs,
    externs: externs.map(({ symbol: _, ...row }) => row),
    structOps: structOps(elf, btf, funcs),
  };
}

/** Last part of a path without `.bpf.o` or `.o`. */
export function objectName(path: string): string {
  const base = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return base.replace(/(\.bpf)?\.o$/, '');
}

function license(elf: ElfObject): string {
  const data = elf.section('license')?.data;
  if (!data) return '';
  const end = data.indexOf(0);
  return new TextDecoder().decode(data.subarray(0, end < 0 ? LICENSE_LENGTH : Math.min(end, LICENSE_LENGTH)));
}

/** Global and weak variables by name. */
function variableSymbols(elf: ElfObject): Map<string, VarSymbol> {
  const found = new Map<string, VarSymbol>();
  for (const symbol of elf.symbols) {
    if (symbol.type !== STT_OBJECT || (symbol.bind !== STB_GLOBAL && symbol.bind !== STB_WEAK)) continue;
    if (found.has(symbol.name)) continue;
    const hidden = symbol.visibility === STV_HIDDEN || symbol.visibility === STV_INTERNAL;
    found.set(symbol.name, { value: symbol.value, hidden, weak: symbol.bind === STB_WEAK });
  }
  return found;
}

/** Subprograms of hidden visibility become static, so that the verifier checks them in their callers' context. */
function hideFunctions(edit: BtfEditor, funcs: readonly Func[]): void {
  const hidden = new Set(funcs.filter((func) => func.hidden && func.isSubprog).map((func) => func.name));
  if (hidden.size === 0) return;
  const btf = edit.original;
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    const type = btf.kind(id) === 'func' ? btf.type(id) : null;
    if (type?.kind === 'func' && type.linkage === 'global' && hidden.delete(type.name)) edit.setVlen(id, 0);
  }
}

function toMapSpec({ elfSection: _section, elfOffset: _offset, ...map }: MapDraft): MapSpec {
  return map;
}
