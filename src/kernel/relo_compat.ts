/** When a type of the object and one of the kernel count as the same (bpf_core_types_are_compat and its kin). */
import type { Btf, BtfEnum, BtfStruct, BtfType } from '../btf/btf.ts';
import { essentialName } from '../btf/names.ts';
import { BTF_INT_SIGNED } from '../uapi/btf.ts';

/** 'error': nested too deeply to say. */
export type Match = boolean | 'error';

const DEPTH = 32;

/** Enums and enum64s are one kind here. */
const kindOf = (type: BtfType): string => (type.kind === 'enum64' ? 'enum' : type.kind);

/**
 * For type-based relocations and for prototypes of kernel functions: the same kinds all the way down; names, sizes and
 * signedness of integers, and the members of structs do not matter.
 */
export function typesCompatible(local: Btf, localId: number, kernel: Btf, kernelId: number, level = DEPTH): Match {
  if (kindOf(local.type(localId)) !== kindOf(kernel.type(kernelId))) return false;
  for (let depth = DEPTH; depth > 0; depth--) {
    const a = local.type(local.skipMods(localId));
    const b = kernel.type(kernel.skipMods(kernelId));
    if (kindOf(a) !== kindOf(b)) return false;
    if (a.kind === 'int' && b.kind === 'int') return a.offset === 0 && b.offset === 0;
    if (a.kind === 'ptr' && b.kind === 'ptr') {
      localId = a.type;
      kernelId = b.type;
    } else if (a.kind === 'array' && b.kind === 'array') {
      localId = a.elemType;
      kernelId = b.elemType;
    } else if (a.kind === 'func_proto' && b.kind === 'func_proto') {
      if (a.params.length !== b.params.length) return false;
      for (const [i, param] of a.params.entries()) {
        if (level <= 0) return 'error';
        const other = kernel.skipMods((b.params[i] as { type: number }).type);
        const match = typesCompatible(local, local.skipMods(param.type), kernel, other, level - 1);
        if (match !== true) return match;
      }
      localId = local.skipMods(a.type);
      kernelId = kernel.skipMods(b.type);
    } else {
      return ['void', 'struct', 'union', 'enum', 'enum64', 'fwd'].includes(a.kind);
    }
  }
  return 'error';
}

/** For fields: composites mix, pointers are all alike, enums and forwards go by name, arrays by element. */
export function fieldsCompatible(local: Btf, localId: number, kernel: Btf, kernelId: number): Match {
  for (let depth = local.nrTypes; depth > 0; depth--) {
    const a = local.type(local.skipMods(localId));
    const b = kernel.type(kernel.skipMods(kernelId));
    const composite = (type: BtfType): boolean => type.kind === 'struct' || type.kind === 'union';
    if (composite(a) && composite(b)) return true;
    if (kindOf(a) !== kindOf(b)) return false;
    switch (a.kind) {
      case 'ptr':
      case 'float':
        return true;
      case 'fwd':
      case 'enum':
      case 'enum64': {
        const [one, other] = [essentialName(a.name), essentialName(b.name)];
        return one === '' || other === '' || one === other;
      }
      case 'int':
        return b.kind === 'int' && a.offset === 0 && b.offset === 0;
      case 'array':
        if (b.kind !== 'array') return false;
        localId = a.elemType;
        kernelId = b.elemType;
        continue;
      default:
        return false;
    }
  }
  return 'error';
}

/** For type_matches: the kernel's type has all that the object's has, by name. */
export function typesMatch(local: Btf, localId: number, kernel: Btf, kernelId: number): Match {
  // Structs that hold each other in many members would be compared along every path; one object never needs this many.
  return new Matcher(local, kernel, 1_000_000).types(localId, kernelId, false, DEPTH);
}

class Matcher {
  constructor(
    private readonly local: Btf,
    private readonly kernel: Btf,
    private budget: number,
  ) {}

  types(localId: number, kernelId: number, behindPointer: boolean, level: number): Match {
    if (level <= 0 || --this.budget <= 0) return 'error';
    for (let depth = DEPTH; depth > 0; depth--) {
      const a = this.local.type(this.local.skipMods(localId));
      const b = this.kernel.type(this.kernel.skipMods(kernelId));
      if (!namesMatch(a.name, b.name)) return false;
      if (a.kind === 'ptr' && b.kind === 'ptr') {
        behindPointer = true;
        localId = a.type;
        kernelId = b.type;
      } else if (a.kind === 'array' && b.kind === 'array') {
        if (a.nelems !== b.nelems) return false;
        localId = a.elemType;
        kernelId = b.elemType;
      } else if (a.kind === 'func_proto' && b.kind === 'func_proto') {
        if (a.params.length !== b.params.length) return false;
        for (const [i, param] of a.params.entries()) {
          const other = (b.params[i] as { type: number }).type;
          const match = this.types(param.type, other, behindPointer, level - 1);
          if (match !== true) return match;
        }
        localId = a.type;
        kernelId = b.type;
      } else {
        return this.leaf(a, b, behindPointer, level);
      }
    }
    return 'error';
  }

  private leaf(a: BtfType, b: BtfType, behindPointer: boolean, level: number): Match {
    switch (a.kind) {
      case 'void':
        return b.kind === 'void';
      case 'fwd':
        if (b.kind === 'fwd') return a.fwdKind === b.fwdKind;
        return behindPointer && b.kind === a.fwdKind;
      case 'enum':
      case 'enum64':
        return (b.kind === 'enum' || b.kind === 'enum64') && enumsMatch(a, b);
      case 'struct':
      case 'union':
        if (behindPointer) return a.kind === b.kind || (b.kind === 'fwd' && b.fwdKind === a.kind);
        return (b.kind === 'struct' || b.kind === 'union') && a.kind === b.kind && this.members(a, b, level);
      case 'int':
        return b.kind === 'int' && a.size === b.size && (a.encoding & BTF_INT_SIGNED) === (b.encoding & BTF_INT_SIGNED);
      default:
        return false;
    }
  }

  private members(a: BtfStruct, b: BtfStruct, level: number): Match {
    if (a.members.length > b.members.length) return false;
    for (const member of a.members) {
      let matched = false;
      for (const other of b.members) {
        if (!namesMatch(member.name, other.name)) continue;
        const match = this.types(member.type, other.type, false, level - 1);
        if (match === 'error') return 'error';
        if (!match) continue;
        matched = true;
        break;
      }
      if (!matched) return false;
    }
    return true;
  }
}

function namesMatch(local: string, kernel: string): boolean {
  return kernel === '' ? local === '' : essentialName(local) === essentialName(kernel);
}

function enumsMatch(a: BtfEnum, b: BtfEnum): boolean {
  if (a.size !== b.size || a.values.length > b.values.length) return false;
  return a.values.every((value) => b.values.some((other) => namesMatch(value.name, other.name)));
}
