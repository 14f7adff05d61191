import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../test/btf_builder.ts';
import { InputError, InvariantError } from '../errors.ts';
import { alignOf } from './align.ts';
import { Btf } from './btf.ts';
import { essentialName } from './names.ts';

/** int, a struct with an array of pointers, qualifiers around it, a function with a tag. */
function sample(): { btf: Btf; ids: Record<string, number> } {
  const b = new BtfBuilder();
  const int = b.int('int', 4, 1);
  const u8 = b.int('u8', 1);
  const node = b.struct('node', 24, [
    { name: 'value', type: int, offset: 0 },
    { name: 'next', type: 4, offset: 8 },
    { name: 'tail', type: 5, offset: 16 },
  ]);
  const ptr = b.ptr(node);
  const array = b.array(u8, 6);
  const constant = b.ref('const', node);
  const alias = b.ref('typedef', constant, 'node_t');
  const proto = b.proto(ptr, [
    ['where', ptr],
    ['', 0],
  ]);
  const func = b.func('find_node', proto);
  b.declTag('bpf_kfunc', func);
  const grid = b.array(array, 3);
  return { btf: b.build(), ids: { int, u8, node, ptr, array, constant, alias, proto, func, grid } };
}

describe('Btf', () => {
  const { btf, ids } = sample();
  const id = (name: string): number => ids[name] ?? 0;

  it('decodes types once and counts void among them', () => {
    expect(btf.nrTypes).toBe(12);
    expect(btf.type(0)).toEqual({ kind: 'void', id: 0, name: '' });
    expect(btf.type(id('int'))).toMatchObject({ kind: 'int', name: 'int', size: 4, encoding: 1, bits: 32, offset: 0 });
    expect(btf.type(id('node'))).toBe(btf.type(id('node')));
    expect(btf.type(id('node'))).toMatchObject({
      kind: 'struct',
      size: 24,
      members: [
        { name: 'value', type: id('int'), bitOffset: 0, bitfieldSize: 0 },
        { name: 'next', type: id('ptr'), bitOffset: 64, bitfieldSize: 0 },
        { name: 'tail', type: id('array'), bitOffset: 128, bitfieldSize: 0 },
      ],
    });
    expect(btf.type(id('func'))).toMatchObject({
      kind: 'func',
      name: 'find_node',
      linkage: 'global',
      type: id('proto'),
    });
    expect(btf.vlen(id('proto'))).toBe(2);
  });

  it.each([
    ['int', 4],
    ['ptr', 8],
    ['array', 6],
    ['grid', 18],
    ['alias', 24],
    ['proto', -1],
    ['func', -1],
    ['nothing', -1],
  ])('size of %s is %i', (name, want) => expect(btf.size(id(name))).toBe(want));

  it('skips modifiers, with and without typedefs', () => {
    expect(btf.skipMods(id('alias'))).toBe(id('node'));
    expect(btf.skipQualifiers(id('alias'))).toBe(id('alias'));
    expect(btf.skipQualifiers(id('constant'))).toBe(id('node'));
  });

  it('finds by name and kind', () => {
    expect(btf.find('node', 'struct')).toBe(id('node'));
    expect(btf.find('node', 'union')).toBe(0);
    expect(btf.find('nod', 'struct')).toBe(0);
    expect(btf.find('', 'struct')).toBe(0);
    expect(btf.declTags(id('func')).map((tag) => tag.name)).toEqual(['bpf_kfunc']);
    expect(btf.declTags(id('node'))).toEqual([]);
  });

  it('aligns as C does', () => {
    expect([id('int'), id('node'), id('array'), id('alias')].map((each) => alignOf(btf, each))).toEqual([4, 8, 1, 8]);
  });

  it('refuses ids that do not exist', () => expect(() => btf.type(99)).toThrow(InputError));

  it('reads split BTF over its base', () => {
    // One PTR to a type of the base, and a struct whose name starts where the base's strings end.
    const base = btf;
    const baseStrings = new DataView(base.bytes.buffer).getUint32(20, true);
    const words = [0, 2 << 24, id('node'), baseStrings, 4 << 24, 0];
    const bytes = new Uint8Array(24 + words.length * 4 + 4);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 0xeb9f, true);
    view.setUint8(2, 1);
    for (const [i, word] of [24, 0, words.length * 4, words.length * 4, 4].entries())
      view.setUint32(4 + i * 4, word, true);
    for (const [i, word] of words.entries()) view.setUint32(24 + i * 4, word, true);
    bytes.set(new TextEncoder().encode('own'), 24 + words.length * 4);
    const split = Btf.parse(bytes, base);
    expect(split.firstId).toBe(12);
    expect(split.type(12)).toMatchObject({ kind: 'ptr', type: id('node') });
    expect(split.find('own', 'struct')).toBe(13);
    expect(split.find('node', 'struct')).toBe(id('node'));
    expect(split.name(split.skipMods(id('alias')))).toBe('node');
  });
});

describe('names', () => {
  it.each([
    ['task_struct', 'task_struct'],
    ['task_struct___old', 'task_struct'],
    ['task_struct___a___b', 'task_struct___a'],
    ['task____struct', 'task____struct'],
    ['___x', '___x'],
    ['a___', 'a___'],
    ['a___b_', 'a'],
  ])('%s without flavour is %s', (name, want) => expect(essentialName(name)).toBe(want));

  it('finds the same with an index as without, by name and by flavour', () => {
    const b = new BtfBuilder();
    const names = Array.from({ length: 300 }, (_, i) => `s${i % 150}${i >= 150 ? '___v' : ''}`);
    const ids = names.map((name) => b.struct(name, 0, []));
    const btf = b.build();
    const ask = (of: Btf): unknown[] =>
      names.map((name) => [of.find(name, 'struct'), of.findEssential(essentialName(name), 'struct')]);
    const first = ask(btf);
    const index = btf.toIndex();
    expect(ask(Btf.indexed(btf.bytes, index.slice()))).toEqual(first);
    expect(() => Btf.indexed(sample().btf.bytes, index.slice())).toThrow(InvariantError);
    expect(first[3]).toEqual([ids[3], [ids[3], ids[153]]]);
    expect(first[153]).toEqual([ids[153], [ids[3], ids[153]]]);
  });
});

describe('bad BTF', () => {
  const { bytes } = sample().btf;
  const patched = (patch: (view: DataView, copy: Uint8Array) => void): Uint8Array => {
    const copy = bytes.slice();
    patch(new DataView(copy.buffer), copy);
    return copy;
  };
  const stringStart = 24 + new DataView(bytes.buffer).getUint32(12, true);

  it.each<[string, Uint8Array, RegExp]>([
    ['empty', new Uint8Array(0), /offset 0x0: 0 bytes are too few/],
    ['other magic', patched((v) => v.setUint16(0, 0x1234, true)), /magic is 0x1234/],
    ['big endian', patched((v) => v.setUint16(0, 0xeb9f, false)), /big endian/],
    ['version', patched((v) => v.setUint8(2, 9)), /version 9/],
    ['types past the end', patched((v) => v.setUint32(12, 1e6, true)), /offset 0xc: types end at/],
    ['strings past the end', patched((v) => v.setUint32(20, 1e6, true)), /offset 0x14: strings end at/],
    ['first string', patched((_, c) => c.fill(65, stringStart, stringStart + 1)), /first string must be the empty one/],
    ['last string', patched((_, c) => c.fill(65, c.length - 1)), /does not end in a zero byte/],
    ['unknown kind', patched((v) => v.setUint32(28, 31 << 24, true)), /type 1 has unknown kind 31/],
    [
      'too many members',
      patched((v) => v.setUint32(28 + 32, (4 << 24) | 0xffff, true)),
      /type 3 \(struct\) is cut off/,
    ],
    ['name', patched((v) => v.setUint32(24, 1e6, true)), /name of type 1 lies outside the strings/],
    [
      'member type',
      patched((v) => v.setUint32(24 + 32 + 12 + 4, 1e6, true)),
      /type 3 \(struct\): refers to type 1000000/,
    ],
    ['member name', patched((v) => v.setUint32(24 + 32 + 12, 1e6, true)), /type 3 \(struct\): a name at 1000000/],
  ])('%s', (_, input, want) => {
    expect(() => Btf.parse(input, null, 'k.btf')).toThrow(InputError);
    expect(() => Btf.parse(input, null, 'k.btf')).toThrow(want);
  });

  it('says which type refers to itself', () => {
    const b = new BtfBuilder();
    const self = b.ref('const', 1);
    expect(() => b.build().skipMods(self)).toThrow(/type 1 refers to itself/);
    expect(b.build().size(self)).toBe(-1);
  });

  it('checks what it read lazily when it is read', () => {
    const bad = patched((v) => v.setUint32(24 + 32 + 12, 1e6, true));
    expect(() => Btf.parseLazily(bad, 'k.btf').type(3)).toThrow(/k.btf: a BTF name at 1000000/);
  });
});
