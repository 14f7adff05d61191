/** Global variables of an object, by their C names. */
import type { Btf } from '../btf/btf.ts';
import { encodeValue, followPath } from '../btf/values.ts';
import { InputError } from '../errors.ts';
import type { MapSpec, ObjectSpec, VariableSpec } from './spec.ts';

/** Where a variable lies. */
export interface FoundVariable {
  /** Index in ObjectSpec.maps. */
  readonly map: number;
  readonly variable: VariableSpec;
}

/** Looks a variable up; a static one of the same name in another section does not hide a global one. Null when there is none. */
export function findVariable(spec: ObjectSpec, name: string): FoundVariable | null {
  let found: FoundVariable | null = null;
  for (const [map, { section }] of spec.maps.entries()) {
    for (const variable of section?.variables ?? []) {
      if (variable.name !== name) continue;
      if (variable.linkage !== 'static') return { map, variable };
      found ??= { map, variable };
    }
  }
  return found;
}

/**
 * The object with initial values of global variables set, as a user sets them before load: by C name, with members and
 * elements (`cfg.cpus`, `table[3]`). Values are as encodeValue reads them; text that is a JSON list or object counts as one.
 * @throws InputError when there is no such variable, or the value does not fit its type
 */
export function setVariables(
  spec: ObjectSpec,
  values: Readonly<Record<string, unknown>>,
  option = '--set',
): ObjectSpec {
  const maps = [...spec.maps];
  for (const [path, value] of Object.entries(values)) {
    const where = `${option} ${path}`;
    const { name, rest } = splitVariable(spec, path);
    const found = findVariable(spec, name);
    const map = found && maps[found.map];
    if (!found || !map?.section || !spec.btf) throw new InputError(where, '', unknownVariable(spec, name));
    if (map.section.kind === 'kconfig') {
      throw new InputError(where, '', 'the kernel gives this variable its value: its configuration decides it');
    }
    const place = resolvePath(spec.btf, found.variable, rest, where);
    const data = map.section.data.slice();
    const target = data.subarray(place.offset, place.offset + place.size);
    encodeValue(spec.btf, place.typeId, target, parseText(value), where);
    maps[found.map] = withData(map, data);
  }
  return { ...spec, maps };
}

/**
 * `table` and `[1].cpu` of `table[1].cpu`. Static variables of functions have names with a dot in them (`func.count`), so that
 * the longest name which the object has counts.
 */
export function splitVariable(spec: ObjectSpec, path: string): { readonly name: string; readonly rest: string } {
  for (let end = path.length; end > 0; end--) {
    if (end < path.length && path[end] !== '.' && path[end] !== '[') continue;
    const name = path.slice(0, end);
    if (findVariable(spec, name)) return { name, rest: path.slice(end) };
  }
  const name = /^[^.[]+/.exec(path)?.[0] ?? path;
  return { name, rest: path.slice(name.length) };
}

const withData = (map: MapSpec, data: Uint8Array): MapSpec =>
  map.section ? { ...map, section: { ...map.section, data } } : map;

/** JSON where it is a list or an object; else the text itself, which the type gives its meaning. */
export function parseText(text: unknown): unknown {
  if (typeof text !== 'string' || !/^\s*[[{"]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // not JSON: text that starts so
  }
}

export function unknownVariable(spec: ObjectSpec, name: string): string {
  const names = spec.maps.flatMap((map) => map.section?.variables.map((variable) => variable.name) ?? []);
  const shown = names.slice(0, 12).join(', ') + (names.length > 12 ? ', ...' : '');
  return `the object has no global variable "${name}"${names.length > 0 ? `; it has ${shown}` : ''}`;
}

/** A member or element of a variable: `.member` and `[index]` after its name. */
export function resolvePath(
  btf: Btf,
  variable: VariableSpec,
  path: string,
  where: string,
): { offset: number; size: number; typeId: number } {
  if (path === '') return variable;
  const place = followPath(btf, variable.typeId, path);
  const size = btf.size(place.typeId);
  if (size <= 0) throw new InputError(where, '', 'a value of this type has no size');
  return { offset: variable.offset + place.offset, size, typeId: place.typeId };
}

/** The object with other initial values, and the texts for .kconfig variables apart. */
export function presetGlobals(
  spec: ObjectSpec,
  values: Readonly<Record<string, unknown>>,
): { readonly spec: ObjectSpec; readonly kconfig: Readonly<Record<string, string>> } {
  const isConfig = (name: string) => {
    const found = findVariable(spec, splitVariable(spec, name).name);
    return found !== null && spec.maps[found.map]?.section?.kind === 'kconfig';
  };
  const rows = Object.entries(values);
  const kconfig = rows.filter(([name]) => isConfig(name)).map(([name, value]) => [name, String(value)]);
  const others = rows.filter(([name]) => !isConfig(name));
  return { spec: setVariables(spec, Object.fromEntries(others)), kconfig: Object.fromEntries(kconfig) };
}
