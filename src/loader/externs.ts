/** Undefined symbols: kernel functions (kfuncs), kernel variables (ksyms) and .kconfig values. */
import { alignOf } from '../btf/align.ts';
import type { Btf } from '../btf/btf.ts';
import { essentialName } from '../btf/names.ts';
import { InputError } from '../errors.ts';
import { BTF_INT_BOOL, BTF_INT_SIGNED } from '../uapi/btf.ts';
import { STB_WEAK } from '../uapi/elf.ts';
import type { BtfEditor } from './btf_edit.ts';
import { type ElfObject, isExtern } from './elf.ts';
import type { ExternSpec } from './spec.ts';

const LINKAGE_STATIC = 0;
const LINKAGE_GLOBAL = 1;

export interface Extern extends ExternSpec {
  /** Index of the ELF symbol. */
  readonly symbol: number;
}

/**
 * Finds the externs and, as libbpf does, turns their BTF into something that a kernel accepts: variables of .ksyms become
 * ints, functions in it a dummy variable, .kconfig gets its layout. Sorted in libbpf's order, which its messages number.
 * @throws InputError in libbpf's words
 */
export function collectExterns(elf: ElfObject, edit: BtfEditor | null): Extern[] {
  const symbols = elf.symbols.filter((symbol) => isExtern(symbol) && symbol.name !== '');
  if (symbols.length === 0) return [];
  const bad = (problem: string): InputError => new InputError(elf.what, 'externs', problem);
  if (!edit) throw bad('BTF is required, but is missing or corrupted.');
  const btf = edit.original;
  const declared = indexDeclarations(btf);
  const sections = indexSections(btf);
  const externs: Extern[] = symbols.map((symbol) => {
    const id = declared.get(symbol.name);
    if (id === undefined) throw bad(`failed to find BTF for extern '${symbol.name}': -ENOENT`);
    const type = btf.type(id);
    if ((type.kind !== 'var' && type.kind !== 'func') || type.linkage !== 'extern') {
      throw bad(`failed to find BTF for extern '${symbol.name}': -EINVAL`);
    }
    const section = sections.get(id);
    const weak = symbol.bind === STB_WEAK;
    const common = { symbol: symbol.index, name: symbol.name, weak };
    if (section === '.ksyms') {
      const wanted = type.kind === 'func' ? type.type : btf.skipMods(type.type);
      const kind = type.kind === 'func' ? 'kfunc' : 'ksym';
      return { ...common, kind, typeId: wanted === 0 ? 0 : id, wantedType: wanted, offset: 0, size: 0, kconfig: null };
    }
    if (section === '.kconfig') {
      if (type.kind === 'func') throw bad(`extern function ${symbol.name} is unsupported under .kconfig section`);
      const size = btf.size(type.type);
      if (size <= 0) throw bad(`failed to resolve size of extern (kcfg) '${symbol.name}': ${size}`);
      const kconfig = kconfigType(btf, type.type);
      if (!kconfig) throw bad(`extern (kcfg) '${symbol.name}': type is unsupported`);
      return { ...common, kind: 'kconfig', typeId: id, wantedType: 0, offset: 0, size, kconfig };
    }
    throw bad(
      section === undefined
        ? `failed to find BTF for extern '${symbol.name}' [${id}] section: -ENOENT`
        : `unrecognized extern section '${section}'`,
    );
  });
  const sorted = layoutKconfig(btf, externs);
  rewriteKsyms(edit, bad);
  rewriteKconfig(edit, sorted, bad);
  return sorted;
}

/** Name -> the first function or variable of that name. */
function indexDeclarations(btf: Btf): Map<string, number> {
  const found = new Map<string, number>();
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    const kind = btf.kind(id);
    if (kind !== 'var' && kind !== 'func') continue;
    const name = btf.name(id);
    if (!found.has(name)) found.set(name, id);
  }
  return found;
}

/** Variable or function -> name of the first data section that lists it. */
function indexSections(btf: Btf): Map<number, string> {
  const found = new Map<number, string>();
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    const type = btf.kind(id) === 'datasec' ? btf.type(id) : null;
    if (type?.kind !== 'datasec') continue;
    for (const row of type.vars) if (!found.has(row.type)) found.set(row.type, type.name);
  }
  return found;
}

function kconfigType(btf: Btf, id: number): ExternSpec['kconfig'] {
  const type = btf.type(btf.skipMods(id));
  switch (type.kind) {
    case 'int': {
      const signed = (type.encoding & BTF_INT_SIGNED) !== 0;
      if (type.encoding & BTF_INT_BOOL) return type.size === 1 ? { kind: 'bool', signed: false } : null;
      if (type.size === 1) return { kind: 'char', signed };
      return [2, 4, 8].includes(type.size) ? { kind: 'int', signed } : null;
    }
    case 'enum':
    case 'enum64':
      if (type.kind === 'enum' && type.size !== 4) return null;
      return type.name === 'libbpf_tristate' ? { kind: 'tristate', signed: false } : null;
    case 'array': {
      if (type.nelems === 0 || btf.kind(btf.skipMods(type.elemType)) === 'array') return null;
      return kconfigType(btf, type.elemType)?.kind === 'char' ? { kind: 'string', signed: false } : null;
    }
    default:
      return null;
  }
}

/** .kconfig first (alignment down, size up, name), then ksyms by name. */
function layoutKconfig(btf: Btf, externs: readonly Extern[]): Extern[] {
  const align = (row: Extern): number => {
    const type = btf.type(row.typeId);
    return type.kind === 'var' ? alignOf(btf, type.type) : 1;
  };
  const byName = (a: Extern, b: Extern): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const kconfigs = externs
    .filter((row) => row.kind === 'kconfig')
    .sort((a, b) => align(b) - align(a) || a.size - b.size || byName(a, b));
  let end = 0;
  const placed = kconfigs.map((row) => {
    const offset = Math.ceil(end / align(row)) * align(row);
    end = offset + row.size;
    return { ...row, offset };
  });
  return [...placed, ...externs.filter((row) => row.kind !== 'kconfig').sort(byName)];
}

function rewriteKsyms(edit: BtfEditor, bad: (problem: string) => InputError): void {
  const btf = edit.original;
  const id = btf.find('.ksyms', 'datasec');
  if (id === 0) return;
  const count = btf.vlen(id);
  const int = firstInt(btf);
  const rows = Array.from({ length: count }, (_, i) => edit.datasecVar(id, i));
  const dummy = rows.some((row) => btf.kind(row.type) === 'func')
    ? edit.addVar('dummy_ksym', int, LINKAGE_GLOBAL)
    : { id: 0, nameOff: 0 };
  for (const [i, row] of rows.entries()) {
    const type = btf.type(row.type);
    let target = row.type;
    if (type.kind === 'func') {
      edit.setVlen(row.type, LINKAGE_GLOBAL);
      for (let p = 0; p < btf.vlen(type.type); p++) {
        const proto = btf.type(type.type);
        const typed = proto.kind === 'func_proto' && proto.params[p]?.type !== 0;
        if (typed && edit.paramName(type.type, p) === 0) edit.setParamName(type.type, p, dummy.nameOff);
      }
      target = dummy.id;
    } else if (type.kind === 'var') {
      edit.setVarLinkage(row.type, LINKAGE_GLOBAL);
      edit.setSizeOrType(row.type, int);
    } else {
      throw bad(`failed to find extern definition for BTF ${type.kind} '${type.name}'`);
    }
    edit.setDatasecVar(id, i, target, i * 4, 4);
  }
  edit.setSizeOrType(id, count * 4);
}

function rewriteKconfig(edit: BtfEditor, externs: readonly Extern[], bad: (problem: string) => InputError): void {
  const btf = edit.original;
  const id = btf.find('.kconfig', 'datasec');
  if (id === 0) return;
  const byName = new Map(externs.filter((row) => row.kind === 'kconfig').map((row) => [row.name, row]));
  let end = 0;
  for (let i = 0; i < btf.vlen(id); i++) {
    const row = edit.datasecVar(id, i);
    const name = btf.name(row.type);
    const extern = byName.get(name);
    if (!extern || btf.kind(row.type) !== 'var') {
      throw bad(`failed to find extern definition for BTF var '${name}'`);
    }
    edit.setVarLinkage(row.type, LINKAGE_GLOBAL);
    edit.setDatasecVar(id, i, row.type, extern.offset, row.size);
    end = Math.max(end, extern.offset + extern.size);
  }
  edit.setSizeOrType(id, end);
}

function firstInt(btf: Btf): number {
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    const type = btf.kind(id) === 'int' ? btf.type(id) : null;
    if (type?.kind === 'int' && type.bits === 32) return id;
  }
  return 0;
}

/**
 * Data sections as the kernel wants them: clang leaves sizes and the offsets of global variables 0, the symbol table has
 * them. Variables of hidden visibility become static, so that they are not offered to user space.
 * @throws InputError when a section or symbol is missing
 */
export function fixDatasecs(elf: ElfObject, edit: BtfEditor, symbols: ReadonlyMap<string, VarSymbol>): void {
  const btf = edit.original;
  for (let id = btf.firstId; id < btf.nrTypes; id++) {
    if (btf.kind(id) !== 'datasec') continue;
    const type = btf.type(id);
    if (type.kind !== 'datasec') continue;
    const bad = (problem: string): InputError => new InputError(elf.what, `BTF of section '${type.name}'`, problem);
    if (type.name !== '.kconfig' && type.name !== '.ksyms') {
      const fromElf = type.size === 0;
      if (fromElf) {
        const size = elf.section(type.name)?.size ?? 0;
        if (size === 0) throw bad('failed to determine size from ELF: the section is missing or empty');
        edit.setSizeOrType(id, size);
      }
      for (const [i, row] of type.vars.entries()) {
        const variable = btf.type(row.type);
        if (variable.kind !== 'var') throw bad('unexpected non-VAR type found');
        if (variable.linkage !== 'global') continue;
        const symbol = symbols.get(variable.name);
        if (!symbol) throw bad(`failed to find ELF symbol for VAR '${variable.name}'`);
        if (fromElf) edit.setDatasecVar(id, i, row.type, symbol.value, row.size);
        if (symbol.hidden) edit.setVarLinkage(row.type, LINKAGE_STATIC);
      }
    }
    edit.sortDatasec(id);
  }
}

export interface VarSymbol {
  readonly value: number;
  readonly hidden: boolean;
  readonly weak: boolean;
}

/** The kernel's name of an extern: `bpf_cpumask_create___old` is bpf_cpumask_create. */
export const kernelName = (row: ExternSpec): string => (row.kind === 'kfunc' ? essentialName(row.name) : row.name);
