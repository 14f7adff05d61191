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
 * The object with initial values of global variables set, as a user sets them before load: `VAR=VALUE`, by C name, with
 * members and elements (`cfg.cpus`, `table[3]`). Values are as encodeValue reads them: numbers in decimal or 0x hex, true and
 * false, names of enumerators, text for char arrays, JSON for arrays and structs.
 * @throws InputError when there is no such variable, or the value does not fit its type
 */
export function setVariables(spec: ObjectSpec, settings: readonly string[], option = '--set'): ObjectSpec {
  if (settings.length === 0) return spec;
  const maps = [...spec.maps];
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals <= 0) throw new InputError(option, '', `"${setting}" is not VAR=VALUE`);
    const path = setting.slice(0, equals).trim();
    const where = `${option} ${path}`;
    const name = /^[\w.]*?(?=[.[]|$)/.exec(path)?.[0] ?? path;
    const found = findVariable(spec, name);
    const map = found && maps[found.map];
    if (!found || !map?.section || !spec.btf) throw new InputError(where, '', unknownVariable(spec, name));
    if (map.section.kind === 'kconfig') {
      throw new InputError(where, '', 'the kernel gives this variable its value: its configuration decides it');
    }
    const place = resolvePath(spec.btf, found.variable, path.slice(name.length), where);
    const data = map.section.data.slice();
    const target = data.subarray(place.offset, place.offset + place.size);
    encodeValue(spec.btf, place.typeId, target, parseText(setting.slice(equals + 1).trim()), where);
    maps[found.map] = withData(map, data);
  }
  return { ...spec, maps };
}

const withData = (map: MapSpec, data: Uint8Array): MapSpec =>
  map.section ? { ...map, section: { ...map.section, data } } : map;

/** JSON where it is a list or an object; else the text itself, which the type gives its meaning. */
function parseText(text: string): unknown {
  if (!/^[[{"]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // not JSON: text that starts so
  }
}

function unknownVariable(spec: ObjectSpec, name: string): string {
  const names = spec.maps.flatMap((map) => map.section?.variables.map((variable) => variable.name) ?? []);
  const shown = names.slice(0, 12).join(', ') + (names.length > 12 ? ', ...' : '');
  return `the object has no global variable "${name}"${names.length > 0 ? `; it has ${shown}` : ''}`;
}

/** A member or element of a variable: `.member` and `[index]` after its name. */
function resolvePath(
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
