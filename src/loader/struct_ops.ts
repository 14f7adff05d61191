/** struct_ops variables: tables of functions that a program hands to the kernel. */
import type { Btf } from '../btf/btf.ts';
import { InputError } from '../errors.ts';
import { SHN_LORESERVE, SHT_REL } from '../uapi/elf.ts';
import type { ElfObject } from './elf.ts';
import { type Func, functionAt } from './programs.ts';
import { findSection } from './sections.ts';
import type { StructOpsSpec } from './spec.ts';

/** struct_ops variables in one section; authors have a few. */
const MAX_TABLES = 256;

const SECTIONS = ['.struct_ops', '.struct_ops.link', '?.struct_ops', '?.struct_ops.link'];

/**
 * The variables of the struct_ops sections with the programs that they name.
 * @throws InputError in libbpf's words
 */
export function structOps(elf: ElfObject, btf: Btf | null, funcs: readonly Func[]): StructOpsSpec[] {
  return elf.sections
    .filter((section) => SECTIONS.includes(section.name) && section.size > 0)
    .flatMap((section) => {
      const bad = (problem: string): InputError => new InputError(elf.what, `section ${section.name}`, problem);
      const datasec = btf?.type(btf.find(section.name, 'datasec'));
      if (!btf || datasec?.kind !== 'datasec') throw bad(`struct_ops init: DATASEC ${section.name} not found`);
      if (datasec.vars.length > MAX_TABLES) throw bad(`more than ${MAX_TABLES} struct_ops variables`);
      const references = elf.sections
        .filter((rel) => rel.type === SHT_REL && rel.info === section.index)
        .flatMap((rel) => elf.relocations(rel));
      return datasec.vars.map((row): StructOpsSpec => {
        const variable = btf.type(row.type);
        const typeId = variable.kind === 'var' ? btf.skipMods(variable.type) : 0;
        const type = btf.type(typeId);
        if (type.kind !== 'struct') throw bad(`struct_ops init: ${type.name} is not a struct`);
        if (type.name === '') throw bad('struct_ops init: anonymous type is not supported');
        if (row.offset + type.size > section.data.length) {
          throw bad(`struct_ops init: var ${variable.name} is beyond the end of DATASEC ${section.name}`);
        }
        const programs = references
          .filter(({ offset }) => offset >= row.offset && offset < row.offset + type.size)
          .map(({ offset, symbol: index }) => {
            const at = offset - row.offset;
            const symbol = elf.symbols[index];
            const member = type.members.find((candidate) => candidate.bitOffset === at * 8);
            const where = `struct_ops reloc ${variable.name}`;
            if (!symbol || symbol.section >= SHN_LORESERVE) throw bad(`${where}: unsupported non-static function`);
            if (symbol.value % 8) throw bad(`${where}: invalid target program offset ${symbol.value}`);
            if (!member) throw bad(`${where}: cannot find member at moff ${at}`);
            if (!isFunctionPointer(btf, member.type))
              throw bad(`${where}: cannot relocate non func ptr ${member.name}`);
            const func = functionAt(funcs, symbol.section, symbol.value / 8);
            if (!func)
              throw bad(`${where}: cannot find prog at shdr_idx ${symbol.section} to relocate func ptr ${member.name}`);
            if (findSection(func.section)?.type !== 'struct_ops') {
              throw bad(`${where}: prog ${func.name} is not struct_ops BPF program`);
            }
            return { offset: at, program: func.name };
          });
        return {
          name: variable.name,
          section: section.name.endsWith('.link') ? '.struct_ops.link' : '.struct_ops',
          autocreate: !section.name.startsWith('?'),
          typeId,
          data: section.data.slice(row.offset, row.offset + type.size),
          programs,
        };
      });
    });
}

function isFunctionPointer(btf: Btf, id: number): boolean {
  const pointer = btf.type(btf.skipMods(id));
  return pointer.kind === 'ptr' && btf.kind(btf.skipMods(pointer.type)) === 'func_proto';
}
