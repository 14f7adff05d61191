/** One record of BTF as an object. */
import { BTF_TYPE_SIZE, type BtfKind, btfKinds, btfLinkages } from '../uapi/btf.ts';
import type { BtfType } from './types.ts';

/** Where names come from: a Btf. */
interface Names {
  /** Name of a type. */
  name(id: number): string;
  /** String at an offset of the string section. */
  string(offset: number): string;
}

/** Makes an object of the record at offset `at` of a checked BTF. */
export function decodeType(btf: Names, view: DataView, at: number, id: number): BtfType {
  const info = view.getUint32(at + 4, true);
  const word = view.getUint32(at + 8, true);
  const kind = btfKinds[(info >>> 24) & 0x1f] as BtfKind;
  const vlen = info & 0xffff;
  const flag = info >>> 31 === 1;
  const name = btf.name(id);
  const body = at + BTF_TYPE_SIZE;
  const u32 = (offset: number): number => view.getUint32(body + offset, true);
  const entries = <T>(size: number, make: (offset: number) => T): T[] =>
    Array.from({ length: vlen }, (_, i) => make(i * size));
  switch (kind) {
    case 'void':
      return { kind, id: 0, name: '' };
    case 'int': {
      const data = u32(0);
      return {
        kind,
        id,
        name,
        size: word,
        encoding: (data >>> 24) & 0xf,
        offset: (data >>> 16) & 0xff,
        bits: data & 0xff,
      };
    }
    case 'ptr':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typedef':
    case 'type_tag':
      return { kind, id, name, type: word };
    case 'array':
      return { kind, id, name, elemType: u32(0), indexType: u32(4), nelems: u32(8) };
    case 'struct':
    case 'union': {
      const members = entries(12, (o) => {
        const position = u32(o + 8);
        return {
          name: btf.string(u32(o)),
          type: u32(o + 4),
          bitOffset: flag ? position & 0xffffff : position,
          bitfieldSize: flag ? position >>> 24 : 0,
        };
      });
      return { kind, id, name, size: word, members };
    }
    case 'enum': {
      const values = entries(8, (o) => ({
        name: btf.string(u32(o)),
        value: BigInt(flag ? view.getInt32(body + o + 4, true) : u32(o + 4)),
      }));
      return { kind, id, name, size: word, signed: flag, values };
    }
    case 'enum64': {
      const values = entries(12, (o) => {
        const bits = (BigInt(u32(o + 8)) << 32n) | BigInt(u32(o + 4));
        return { name: btf.string(u32(o)), value: flag ? BigInt.asIntN(64, bits) : bits };
      });
      return { kind, id, name, size: word, signed: flag, values };
    }
    case 'fwd':
      return { kind, id, name, fwdKind: flag ? 'union' : 'struct' };
    case 'func':
      return { kind, id, name, type: word, linkage: btfLinkages[vlen] ?? 'static' };
    case 'func_proto':
      return {
        kind,
        id,
        name,
        type: word,
        params: entries(8, (o) => ({ name: btf.string(u32(o)), type: u32(o + 4) })),
      };
    case 'var':
      return { kind, id, name, type: word, linkage: btfLinkages[u32(0)] ?? 'static' };
    case 'datasec': {
      const vars = entries(12, (o) => ({ type: u32(o), offset: u32(o + 4), size: u32(o + 8) }));
      return { kind, id, name, size: word, vars };
    }
    case 'float':
      return { kind, id, name, size: word };
    case 'decl_tag':
      return { kind, id, name, type: word, componentIdx: view.getInt32(body, true) };
  }
}
