/**
 * What somebody expects a variable to hold, as text or as a value: by the variable's type, so that 0x10 and 16 are the same, masks
 * are cpulists, and arrays and structs may be written as reports print them.
 */
import type { Btf } from '../btf/btf.ts';
import { type BtfValue, decodeValue, EnumValue, encodeValue, findMember, isChar } from '../btf/values.ts';
import { InputError } from '../errors.ts';
import { CpuMask } from '../kernel/cpu_mask.ts';
import { isMask } from './show_value.ts';

/** Is the value as expected? */
export type Matcher = (found: BtfValue) => boolean;

interface World {
  readonly btf: Btf;
  /** How errors call the value. */
  readonly what: string;
  readonly cpus: number;
}

/** Deepest nesting that is compared. */
const MAX_DEPTH = 32;
/** Elements of a list that is given. */
const MAX_ELEMENTS = 65536;

/** @throws InputError when `value` cannot be read as the type */
export function expectValue(world: World, typeId: number, value: unknown): Matcher {
  return expect(world, typeId, value, '', 0);
}

function expect(world: World, id: number, value: unknown, path: string, depth: number): Matcher {
  const { btf, what } = world;
  if (depth > MAX_DEPTH) throw new InputError(what, path, 'the type nests too deeply');
  const typeId = btf.skipMods(id);
  const type = btf.type(typeId);
  if (type.kind === 'ptr') {
    const isMaskPointer = btf.name(btf.skipMods(type.type)).startsWith('bpf_cpumask');
    return isMaskPointer ? expectMask(world, value, path) : expectAddress(world, value, path);
  }
  if (type.kind === 'array' && !isChar(btf, type.elemType)) {
    const elements = listOf(world, value, path, type.nelems);
    const matchers = elements.map((element, i) => expect(world, type.elemType, element, `${path}[${i}]`, depth + 1));
    return (found) => Array.isArray(found) && matchers.every((matches, i) => matches(found[i] as BtfValue));
  }
  if (type.kind === 'struct' || type.kind === 'union') {
    const matchers = membersOf(world, value, path).map(([name, element]) => {
      const place = findMember(btf, typeId, name);
      if (!place) throw new InputError(what, path, `has no member ${name}`);
      return [name, expect(world, place.typeId, element, path ? `${path}.${name}` : name, depth + 1)] as const;
    });
    return (found) => isRecord(found) && matchers.every(([name, matches]) => matches(found[name] as BtfValue));
  }
  const size = btf.size(typeId);
  const bytes = new Uint8Array(size);
  encodeValue(btf, typeId, bytes, type.kind === 'array' ? charsOf(value) : value, path ? `${what}: ${path}` : what);
  const wanted = decodeValue(btf, typeId, bytes);
  return (found) => isSame(found, wanted);
}

function isRecord(value: BtfValue): value is { readonly [member: string]: BtfValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(a: BtfValue, b: BtfValue): boolean {
  if (a instanceof EnumValue && b instanceof EnumValue) return a.value === b.value;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
  return a === b;
}

const MASK = /^(?:\{([^{}]*)\}(?: \(([\d,]+) references?\))?|([^{}()]*))$/;
const isNull = (value: unknown) => value === null || (typeof value === 'string' && /^\s*null\s*$/i.test(value));

function expectMask({ what, cpus }: World, value: unknown, path: string): Matcher {
  if (isNull(value)) return (found) => found === null;
  const given = isMask(value) ? `{${value.cpus}} (${value.refs} references)` : String(value).trim();
  const [whole, braced, refs, bare = ''] = MASK.exec(given) ?? [];
  try {
    if (whole === undefined) throw new InputError(given, '', 'is no cpulist');
    const wanted = CpuMask.fromList(braced ?? bare, cpus).toString();
    const count = refs === undefined ? null : Number(refs.replaceAll(',', ''));
    return (found) => isMask(found) && found.cpus === wanted && (count === null || found.refs === count);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(what, path, `"${given}" is no mask: ${error.problem}; write a cpulist, as 0-3,8, or NULL`);
  }
}

function expectAddress({ what }: World, value: unknown, path: string): Matcher {
  if (isNull(value)) return (found) => found === null;
  const text = typeof value === 'string' ? value.trim() : String(value);
  if (!/^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(text)) {
    throw new InputError(what, path, `"${text}" is no pointer; write NULL, or its address`);
  }
  const address = BigInt(text);
  const wanted = address === 0n ? null : `0x${address.toString(16)}`;
  return (found) => found === wanted;
}

/** Of `[1, 2 (3 times)]`, or of a list, the elements. */
function listOf({ what }: World, value: unknown, path: string, length: number): readonly unknown[] {
  const shape = () => new InputError(what, path, `a list of ${length} is needed, as [..]`);
  let elements: readonly unknown[];
  if (typeof value === 'string') {
    const [, inner] = /^\s*\[(.*)\]\s*$/s.exec(value) ?? [];
    if (inner === undefined) throw shape();
    elements = split(inner).flatMap((part) => {
      const [, element = part, times = '1'] = /^(.*) \(([\d,]+) times\)$/s.exec(part) ?? [];
      return Array<string>(Math.min(Number(times.replaceAll(',', '')), MAX_ELEMENTS)).fill(element);
    });
  } else if (Array.isArray(value)) elements = value;
  else throw shape();
  if (elements.length !== length) throw new InputError(what, path, `has ${elements.length} elements, not ${length}`);
  return elements;
}

/** Of `{ a = 1, b = 2 }`, of JSON, or of an object, the members; those that are not named may be anything. */
function membersOf({ what }: World, value: unknown, path: string): (readonly [string, unknown])[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  const shape = () => new InputError(what, path, 'members are needed, as { member = value, .. }');
  const [, inner] = /^\s*\{(.*)\}\s*$/s.exec(typeof value === 'string' ? value : '') ?? [];
  if (inner === undefined) throw shape();
  return split(inner).map((part) => {
    const [, name, element] = /^"?([\w$]+)"?\s*[=:]\s*(.*)$/s.exec(part) ?? [];
    if (name === undefined) throw shape();
    return [name, element] as const;
  });
}

/** A char array: text, quoted or not, or a list. */
function charsOf(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*(".*"|\[.*\])\s*$/s.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value; // text that only looks like JSON
  }
}

/** At commas that are not within brackets, braces or quotes. */
function split(text: string): string[] {
  const parts = [''];
  let depth = 0;
  let quoted = false;
  for (const [i, char] of [...text].entries()) {
    if (char === '"' && text[i - 1] !== '\\') quoted = !quoted;
    else if (!quoted && /[[{(]/.test(char)) depth++;
    else if (!quoted && /[\]})]/.test(char)) depth--;
    if (char === ',' && depth === 0 && !quoted) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim()).filter((part, i) => part !== '' || i > 0);
}
