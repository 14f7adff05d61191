import type { Btf } from './btf.ts';

/** Alignment of a type in bytes, as btf__align_of works it out; 1 where a type has none. */
export function alignOf(btf: Btf, id: number, known = new Map<number, number>()): number {
  const before = known.get(id);
  if (before !== undefined) return before;
  // What a type that contains itself finds of itself.
  known.set(id, 1);
  const align = compute(btf, id, known);
  known.set(id, align);
  return align;
}

function compute(btf: Btf, id: number, known: Map<number, number>): number {
  const type = btf.type(id);
  switch (type.kind) {
    case 'int':
    case 'enum':
    case 'enum64':
    case 'float':
      return Math.max(1, Math.min(8, type.size));
    case 'ptr':
      return 8;
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
    case 'type_tag':
    case 'var':
      return alignOf(btf, type.type, known);
    case 'array':
      return alignOf(btf, type.elemType, known);
    case 'struct':
    case 'union': {
      let most = 1;
      for (const member of type.members) {
        const align = alignOf(btf, member.type, known);
        most = Math.max(most, align);
        // A member off its alignment, or a size off it, means __attribute__((packed)).
        if (member.bitfieldSize === 0 && member.bitOffset % (8 * align) !== 0) return 1;
      }
      return type.size % most === 0 ? most : 1;
    }
    default:
      return 1;
  }
}
