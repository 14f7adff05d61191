/** BTF as C: declarations of variables, prototypes of functions, definitions of structs with offsets as pahole shows them. */
import type { Btf, BtfType } from './btf.ts';

/** Nesting and parts that are printed of one type; BTF from strangers may go on without end. */
const MAX_DEPTH = 24;

/**
 * A declaration of `name` with that type: `u32 table[4]`, `struct task_struct *task`, `int (*less)(void *, void *)`. Without a
 * name, the type alone: `struct task_struct *`.
 */
export function declare(btf: Btf, typeId: number, name = ''): string {
  return new Declarator(btf).declare(typeId, name, MAX_DEPTH);
}

/** Prototype of a function: `bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask)`. */
export function prototype(btf: Btf, funcId: number): string {
  const func = btf.type(funcId);
  const proto = func.kind === 'func' ? btf.type(func.type) : func;
  if (proto.kind !== 'func_proto') return declare(btf, funcId);
  return declare(btf, proto.id, func.kind === 'func' ? func.name : '');
}

/** Definition of a struct, union or enum, one line a member, with byte offsets and sizes as comments. */
export function define(btf: Btf, typeId: number): string {
  const type = btf.type(btf.skipMods(typeId));
  const tag = type.name ? `${type.kind === 'enum64' ? 'enum' : type.kind} ${type.name}` : type.kind;
  switch (type.kind) {
    case 'struct':
    case 'union': {
      const lines = type.members.map((member) => {
        const bits = member.bitfieldSize ? ` : ${member.bitfieldSize}` : '';
        const text = `    ${declare(btf, member.type, member.name)}${bits};`;
        const offset = `${member.bitOffset >> 3}${member.bitfieldSize ? `:${member.bitOffset & 7}` : ''}`;
        return `${text.padEnd(56)} /* ${offset.padStart(6)} ${String(btf.size(member.type)).padStart(6)} */`;
      });
      return [`${tag} {`, ...lines, `}; /* size: ${type.size} */`].join('\n');
    }
    case 'enum':
    case 'enum64':
      return [`${tag} {`, ...type.values.map((row) => `    ${row.name} = ${row.value},`), '};'].join('\n');
    default:
      return `${declare(btf, typeId)};`;
  }
}

class Declarator {
  constructor(private readonly btf: Btf) {}

  /** C declarations are read from the name outwards: `inner` is what has been wrapped around the name so far. */
  declare(id: number, inner: string, left: number): string {
    const type = this.btf.type(id);
    if (left === 0) return join('...', inner);
    switch (type.kind) {
      case 'ptr': {
        const pointee = this.btf.type(this.belowQualifiers(type.type));
        const wrapped = pointee.kind === 'array' || pointee.kind === 'func_proto' ? `(*${inner})` : `*${inner}`;
        return this.declare(type.type, wrapped, left - 1);
      }
      case 'array':
        return this.declare(type.elemType, `${inner}[${type.nelems}]`, left - 1);
      case 'func_proto': {
        const params = type.params.map((param, i) =>
          param.type === 0 && i === type.params.length - 1 ? '...' : this.declare(param.type, param.name, left - 1),
        );
        return this.declare(type.type, `${inner}(${params.length > 0 ? params.join(', ') : 'void'})`, left - 1);
      }
      case 'const':
      case 'volatile':
      case 'restrict':
        return this.qualified(type.kind, type.type, inner, left);
      case 'type_tag':
        return this.declare(type.type, inner, left - 1);
      default:
        return join(nameOf(type), inner);
    }
  }

  /** `const` before what it qualifies, or after the star of a pointer. */
  private qualified(word: string, id: number, inner: string, left: number): string {
    const type = this.btf.type(this.belowQualifiers(id));
    return type.kind === 'ptr'
      ? this.declare(id, join(word, inner), left - 1)
      : `${word} ${this.declare(id, inner, left - 1)}`;
  }

  private belowQualifiers(id: number): number {
    return this.btf.skipQualifiers(id);
  }
}

function nameOf(type: BtfType): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name || '{...}'}`;
    case 'enum':
    case 'enum64':
      return `enum ${type.name || '{...}'}`;
    case 'fwd':
      return `${type.fwdKind} ${type.name}`;
    default:
      return type.name || type.kind;
  }
}

/** A space between a word and what follows, none before brackets. */
const join = (word: string, rest: string): string =>
  rest === '' || rest.startsWith('[') ? word + rest : `${word} ${rest}`;
