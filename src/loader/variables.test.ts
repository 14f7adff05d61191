import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from '../../test/root.ts';
import { decodeValue } from '../btf/values.ts';
import { InputError } from '../errors.ts';
import { loadObject } from './object.ts';
import type { ObjectSpec } from './spec.ts';
import { findVariable, setVariables } from './variables.ts';

const load = (name: string): ObjectSpec =>
  loadObject(readFileSync(new URL(`test/objects/${name}.bpf.o`, root)), `${name}.bpf.o`);
const globals = load('globals');
const linkage = load('linkage');

function initial(spec: ObjectSpec, name: string): unknown {
  const found = findVariable(spec, name);
  const data = found && spec.maps[found.map]?.section?.data;
  if (!found || !data || !spec.btf) throw new Error(`no ${name}`);
  return decodeValue(spec.btf, found.variable.typeId, data.subarray(found.variable.offset));
}

describe('setVariables', () => {
  it.each<[string, unknown, string, unknown]>([
    ['limit', '0x10', 'limit', 16],
    ['enabled', 'false', 'enabled', false],
    ['byte', 255, 'byte', 255],
    ['negative', '-128', 'negative', -128],
    ['text', 'xyz', 'text', 'xyz'],
    ['shorts', '[4,5,6]', 'shorts', [4, 5, 6]],
    ['shorts', [4, 5], 'shorts', [4, 5, 3]],
    ['shorts[1]', -9, 'shorts', [1, -9, 3]],
    ['grid[1][0]', '7', 'grid', [[1, 2], [7, 4]]], // biome-ignore format: one row
    ['huge', '18446744073709551615', 'huge', 18446744073709551615n],
  ])('%s=%s', (path, value, name, want) => {
    const before = initial(globals, name);
    expect(initial(setVariables(globals, { [path]: value }), name)).toEqual(want);
    expect(initial(globals, name)).toEqual(before);
  });

  it('reaches members', () => {
    const changed = setVariables(globals, { 'point.y': 8, 'point.x': '-3' });
    expect(initial(changed, 'point')).toMatchObject({ x: -3, y: 8 });
  });

  it.each<[string, unknown, ObjectSpec, RegExp]>([
    ['byte', 256, globals, /--set byte/],
    ['nothing', 1, globals, /--set nothing: the object has no global variable "nothing"; it has /],
    ['shorts[9]', 1, globals, /9/],
    ['point.z', 1, globals, /z/],
    ['CONFIG_SMP', 1, linkage, /--set CONFIG_SMP: the kernel gives this variable its value/],
  ])('refuses %s=%s', (path, value, spec, want) => {
    expect(() => setVariables(spec, { [path]: value })).toThrow(InputError);
    expect(() => setVariables(spec, { [path]: value })).toThrow(want);
  });
});
