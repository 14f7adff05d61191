/**
 * Bytes to values and back, by BTF type: what a global variable or a map value holds. Numbers are little endian.
 *
 * Integers become numbers, or bigint beyond 53 bits; bool becomes boolean; char arrays that hold text become strings, other
 * arrays arrays; structs and unions objects (members of anonymous ones are lifted); enums EnumValue; pointers what the
 * caller's `pointer` makes of them, else `0x...` or null.
 */
import { InputError } from '../errors.ts';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED } from '../uapi/btf.ts';
import type { Btf, BtfEnum, BtfInt, BtfMember } from './btf.ts';

/** A value of an enum: its number, and its name where it has one. In JSON it is the number. */
export class EnumValue {
  constructor(
    readonly value: number | bigint,
    readonly label: string | null,
  ) {}

  toJSON(): number | bigint {
    return this.value;
  }
}

export type BtfValue =
  | number
  | bigint
  | boolean
  | string
  | null
  | EnumValue
  | readonly BtfValue[]
  | { readonly [member: string]: BtfValue };

export interface DecodeOptions {
  /** Makes a value of a pointer: the pointer type's id, the 64 bits, and the byte offset in what is decoded. */
  readonly pointer?: (typeId: number, address: bigint, offset: number) => BtfValue;
}

/** Deepest nesting that is decoded; BTF from strangers may nest without end. */
const MAX_DEPTH = 32;
/** Bytes of the widest number, __int128; BTF that says more is wrong. */
const MAX_NUMBER = 16;
/** Array elements decoded of one value, in all: what lies beyond is counted, not shown. */
const MAX_ELEMENTS = 65536;

/** A 64-bit number as number where that is exact. */
function exact(value: bigint): number | bigint {
  return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value;
}

/** Decodes the value of type `typeId` at the start of `bytes`. Bytes that are not there read as zero. */
export function decodeValue(btf: Btf, typeId: number, bytes: Uint8Array, options: DecodeOptions = {}): BtfValue {
  let elements = 0;
  const load = (offset: number, size: number): bigint => {
    let value = 0n;
    for (let i = Math.min(size, MAX_NUMBER) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[offset + i] ?? 0);
    return value;
  };
  const integer = (type: BtfInt, raw: bigint, bits: number): BtfValue => {
    if (type.encoding & BTF_INT_BOOL) return raw !== 0n;
    return exact(type.encoding & BTF_INT_SIGNED ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw));
  };
  const enumeration = (type: BtfEnum, raw: bigint, bits: number): BtfValue => {
    const value = type.signed ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
    return new EnumValue(exact(value), type.values.find((row) => row.value === value)?.name ?? null);
  };
  const member = (row: BtfMember, base: number, depth: number): BtfValue => {
    const offset = base + (row.bitOffset >> 3);
    if (row.bitfieldSize === 0) return decode(row.type, offset, depth);
    const shift = row.bitOffset & 7;
    const raw = (load(offset, 9) >> BigInt(shift)) & ((1n << BigInt(row.bitfieldSize)) - 1n);
    const type = btf.type(btf.skipMods(row.type));
    if (type.kind === 'int') return integer(type, raw, row.bitfieldSize);
    if (type.kind === 'enum' || type.kind === 'enum64') return enumeration(type, raw, row.bitfieldSize);
    return exact(raw);
  };
  const decode = (id: number, offset: number, depth: number): BtfValue => {
    if (depth > MAX_DEPTH) return null;
    const type = btf.type(btf.skipMods(id));
    switch (type.kind) {
      case 'int':
        return integer(type, load(offset, type.size), Math.min(type.bits, Math.min(type.size, MAX_NUMBER) * 8));
      case 'enum':
      case 'enum64':
        return enumeration(type, load(offset, type.size), Math.min(type.size, MAX_NUMBER) * 8);
      case 'float': {
        const view = new DataView(new ArrayBuffer(8));
        view.setBigUint64(0, load(offset, 8), true);
        return type.size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
      }
      case 'ptr': {
        const address = load(offset, 8);
        if (options.pointer) return options.pointer(type.id, address, offset);
        return address === 0n ? null : `0x${address.toString(16)}`;
      }
      case 'array': {
        const size = btf.size(type.elemType);
        const count = size > 0 ? Math.min(type.nelems, Math.ceil((bytes.length - offset) / size)) : 0;
        const text = isChar(btf, type.elemType) ? asText(bytes.subarray(offset, offset + count)) : null;
        if (text !== null) return text;
        const values: BtfValue[] = [];
        for (let i = 0; i < count && elements++ < MAX_ELEMENTS; i++) {
          values.push(decode(type.elemType, offset + i * size, depth + 1));
        }
        return values;
      }
      case 'struct':
      case 'union': {
        const object: Record<string, BtfValue> = {};
        for (const row of type.members) {
          const value = member(row, offset, depth + 1);
          if (row.name !== '') object[row.name] = value;
          else if (value !== null && typeof value === 'object') Object.assign(object, value);
        }
        return object;
      }
      default:
        return null;
    }
  };
  return decode(typeId, 0, 0);
}

/** Is the type `char`, of whatever signedness? Clang marks char as a signed or unsigned 1-byte int of that name. */
export function isChar(btf: Btf, id: number): boolean {
  const type = btf.type(btf.skipMods(id));
  return type.kind === 'int' && type.size === 1 && (type.name === 'char' || (type.encoding & BTF_INT_CHAR) !== 0);
}

/** The text of a zero-padded char array; null when it holds anything but text and zeros after it. */
function asText(bytes: Uint8Array): string | null {
  let end = bytes.indexOf(0);
  if (end < 0) end = bytes.length;
  if (bytes.subarray(end).some((byte) => byte !== 0)) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice(0, end));
    return /^[^\p{Cc}]*$/u.test(text.replace(/[\n\t]/g, '')) ? text : null;
  } catch {
    return null; // not UTF-8: shown as numbers
  }
}

/**
 * Writes `value` into `bytes` as the type wants it: numbers, bigint or numeric strings for integers, true/false for bool, names
 * or numbers for enums, text for char arrays, arrays and objects for the rest; members that are not named stay as they are.
 * @param what - how errors call the value
 * @throws InputError when it does not fit the type
 */
export function encodeValue(btf: Btf, typeId: number, bytes: Uint8Array, value: unknown, what: string): void {
  const store = (offset: number, size: number, number: bigint) => {
    for (let i = 0; i < Math.min(size, MAX_NUMBER); i++) bytes[offset + i] = Number((number >> BigInt(8 * i)) & 0xffn);
  };
  const encode = (id: number, offset: number, given: unknown, path: string, depth: number): void => {
    const bad = (problem: string) => new InputError(what, path, problem);
    if (depth > MAX_DEPTH) throw bad('the type nests too deeply');
    const type = btf.type(btf.skipMods(id));
    switch (type.kind) {
      case 'int': {
        const bool = (type.encoding & BTF_INT_BOOL) !== 0;
        const number = toInteger(given);
        if (number === null) throw bad(`${show(given)} is no ${bool ? 'true or false' : 'whole number'}`);
        store(offset, type.size, inRange(number, type, bad));
        return;
      }
      case 'enum':
      case 'enum64': {
        const named = type.values.find((row) => row.name === given)?.value;
        const number = named ?? toInteger(given);
        if (number === null) {
          throw bad(
            `${show(given)} is none of ${type.values
              .slice(0, 8)
              .map((row) => row.name)
              .join(', ')}`,
          );
        }
        store(offset, type.size, number);
        return;
      }
      case 'float': {
        const number = Number(given);
        if (Number.isNaN(number)) throw bad(`${show(given)} is no number`);
        const view = new DataView(new ArrayBuffer(8));
        if (type.size === 4) view.setFloat32(0, number, true);
        else view.setFloat64(0, number, true);
        store(offset, type.size, view.getBigUint64(0, true));
        return;
      }
      case 'array': {
        const size = btf.size(type.elemType);
        if (typeof given === 'string' && isChar(btf, type.elemType)) {
          const text = new TextEncoder().encode(given);
          if (text.length > type.nelems) throw bad(`"${given}" has ${text.length} bytes; ${type.nelems} fit`);
          bytes.fill(0, offset, offset + type.nelems);
          bytes.set(text, offset);
          return;
        }
        if (!Array.isArray(given)) throw bad(`an array of ${type.nelems} is needed, as [..]`);
        if (given.length > type.nelems) throw bad(`has ${given.length} elements; ${type.nelems} fit`);
        given.forEach((element, i) => {
          encode(type.elemType, offset + i * size, element, `${path}[${i}]`, depth + 1);
        });
        return;
      }
      case 'struct':
      case 'union': {
        if (given === null || typeof given !== 'object' || Array.isArray(given)) {
          throw bad(`an object is needed, as {"member": value}`);
        }
        for (const [name, element] of Object.entries(given)) {
          const place = findMember(btf, type.id, name);
          if (!place) throw bad(`has no member ${name}`);
          if (place.bitfieldSize) throw bad(`${name} is a bit field, which cannot be set`);
          encode(place.typeId, offset + place.offset, element, path ? `${path}.${name}` : name, depth + 1);
        }
        return;
      }
      default:
        throw bad(`values of type ${type.kind} cannot be set`);
    }
  };
  encode(typeId, 0, value, '', 0);
}

/** A member's place in a struct, found through anonymous members; null when there is none of that name. */
export function findMember(
  btf: Btf,
  structId: number,
  name: string,
  depth = 0,
): { readonly offset: number; readonly typeId: number; readonly bitfieldSize: number } | null {
  const type = btf.type(btf.skipMods(structId));
  if ((type.kind !== 'struct' && type.kind !== 'union') || depth > MAX_DEPTH) return null;
  for (const row of type.members) {
    const offset = row.bitOffset >> 3;
    if (row.name === name) return { offset, typeId: row.type, bitfieldSize: row.bitfieldSize };
    if (row.name !== '') continue;
    const inner = findMember(btf, row.type, name, depth + 1);
    if (inner) return { ...inner, offset: offset + inner.offset };
  }
  return null;
}

/**
 * Follows `.member` and `[index]` from a type.
 * @throws InputError naming the step that does not exist
 */
export function followPath(
  btf: Btf,
  typeId: number,
  path: string,
): { readonly offset: number; readonly typeId: number } {
  let place = { offset: 0, typeId };
  const steps = path.match(/\.[^.[\]]+|\[[0-9]+\]/g) ?? [];
  if (steps.join('') !== path) throw new InputError(path, '', 'is no path; write .member and [index]');
  for (const step of steps) {
    if (step.startsWith('.')) {
      const found = findMember(btf, place.typeId, step.slice(1));
      if (!found) throw new InputError(path, '', `there is no member ${step.slice(1)}`);
      place = { offset: place.offset + found.offset, typeId: found.typeId };
      continue;
    }
    const index = Number(step.slice(1, -1));
    const type = btf.type(btf.skipMods(place.typeId));
    if (type.kind !== 'array') throw new InputError(path, '', `${step} is not in an array`);
    if (index >= type.nelems) throw new InputError(path, '', `${step} is past the end (${type.nelems} elements)`);
    place = { offset: place.offset + index * btf.size(type.elemType), typeId: type.elemType };
  }
  return place;
}

function toInteger(given: unknown): bigint | null {
  if (typeof given === 'bigint') return given;
  if (typeof given === 'boolean') return given ? 1n : 0n;
  if (typeof given === 'number') return Number.isSafeInteger(given) ? BigInt(given) : null;
  if (typeof given !== 'string') return null;
  if (given === 'true' || given === 'false') return given === 'true' ? 1n : 0n;
  if (/^'.'$/.test(given)) return BigInt(given.charCodeAt(1));
  const match = /^([+-]?)(0x[0-9a-f]+|0o[0-7]+|0b[01]+|[0-9]+)$/i.exec(given.trim());
  if (!match?.[2]) return null;
  return match[1] === '-' ? -BigInt(match[2]) : BigInt(match[2]);
}

/** The number, if the type can hold it; signed types also take the unsigned writing of the same bits (0xff for -1). */
function inRange(number: bigint, type: BtfInt, bad: (problem: string) => InputError): bigint {
  if (type.encoding & BTF_INT_BOOL) {
    if (number === 0n || number === 1n) return number;
    throw bad(`${number} is neither true nor false`);
  }
  const bits = BigInt(Math.min(type.size, MAX_NUMBER) * 8);
  const signed = (type.encoding & BTF_INT_SIGNED) !== 0;
  const least = signed ? -(1n << (bits - 1n)) : 0n;
  const most = (1n << bits) - 1n;
  if (number >= least && number <= most) return number;
  throw bad(`${number} does not fit ${type.name} (${least} to ${signed ? most >> 1n : most})`);
}

function show(given: unknown): string {
  return typeof given === 'string' ? `"${given}"` : String(JSON.stringify(given) ?? given);
}
