import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../test/btf_builder.ts';
import { Btf, type BtfDatasec } from './btf.ts';
import { type BtfValue, decodeValue, EnumValue, encodeValue, followPath } from './values.ts';

/** BTF of variables of test/objects/globals.bpf.o, whose source says what is in them. */
function load() {
  const elf = readFileSync(new URL('../../test/objects/globals.bpf.o', import.meta.url));
  const shoff = Number(elf.readBigUInt64LE(0x28));
  const header = (i: number) => elf.subarray(shoff + i * 64, shoff + (i + 1) * 64);
  const bytes = (h: Buffer) =>
    elf.subarray(Number(h.readBigUInt64LE(24)), Number(h.readBigUInt64LE(24)) + Number(h.readBigUInt64LE(32)));
  const names = bytes(header(elf.readUInt16LE(0x3e)));
  const sections = new Map<string, Uint8Array>();
  for (let i = 1; i < elf.readUInt16LE(0x3c); i++) {
    const at = header(i).readUInt32LE(0);
    sections.set(names.toString('utf8', at, names.indexOf(0, at)), bytes(header(i)));
  }
  const btf = Btf.parse(sections.get('.BTF') ?? new Uint8Array());
  const types = new Map<string, number>();
  for (const name of ['.data', '.rodata']) {
    for (const row of (btf.type(btf.find(name, 'datasec')) as BtfDatasec).vars) {
      const variable = btf.type(row.type);
      if (variable.kind !== 'var') continue;
      types.set(variable.name, variable.type);
    }
  }
  return { btf, types };
}

const { btf, types } = load();
const typeOf = (name: string) => types.get(name) ?? 0;
const bytesOf = (name: string, ...bytes: number[]) => {
  const buffer = new Uint8Array(btf.size(typeOf(name)));
  buffer.set(bytes);
  return buffer;
};
const decode = (name: string, ...bytes: number[]) => decodeValue(btf, typeOf(name), bytesOf(name, ...bytes));

describe('decodeValue', () => {
  it.each<[string, number[], BtfValue]>([
    ['enabled', [1], true],
    ['byte', [200], 200],
    ['negative', [0xfb], -5],
    ['shorts', [1, 0, 0xfe, 0xff], [1, -2, 0]],
    ['huge', Array(8).fill(0xff), 0xffffffffffffffffn],
    ['huge', [5], 5],
    ['small_number', [...Array(7).fill(0), 0x80], -(2n ** 63n)],
    ['mood', [2], new EnumValue(2, 'BUSY')],
    ['mood', [3], new EnumValue(3, null)],
    ['text', [0x68, 0x69], 'hi'],
    ['text', [0x68, 0, 0x69], [0x68, 0, 0x69, 0, 0, 0, 0, 0]],
    ['text', [], ''],
    [
      'grid',
      [1, 0, 0, 0, 2],
      [
        [1, 2],
        [0, 0],
      ],
    ],
    ['bits', [0xc5, 0x12], { low: 5, high: 300 }],
    ['point', [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x68, 0x69], { x: 1, y: -2, tag: 0x6968, name: 'hi' }],
  ])('%s %j', (name, bytes, want) => {
    expect(decode(name, ...bytes)).toEqual(want);
  });

  it('gives enums as numbers in JSON', () => {
    expect(JSON.stringify({ mood: decode('mood', 2) })).toBe('{"mood":2}');
  });
});

describe('encodeValue', () => {
  it.each<[string, unknown, BtfValue]>([
    ['enabled', 'true', true],
    ['enabled', false, false],
    ['byte', '0xff', 255],
    ['negative', -5, -5],
    ['negative', '0xfb', -5],
    ['huge', '18446744073709551615', 0xffffffffffffffffn],
    ['mood', 'BUSY', new EnumValue(2, 'BUSY')],
    ['mood', '1', new EnumValue(1, 'CALM')],
    ['text', 'abc', 'abc'],
    ['shorts', [7, '8'], [7, 8, 0]],
    ['point', { y: 9, name: 'z' }, { x: 0, y: 9, tag: 0x7a, name: 'z' }],
  ])('%s = %j', (name, value, want) => {
    const bytes = bytesOf(name);
    encodeValue(btf, typeOf(name), bytes, value, name);
    expect(decodeValue(btf, typeOf(name), bytes)).toEqual(want);
  });

  it.each<[string, unknown, string]>([
    ['enabled', 2, 'neither true nor false'],
    ['byte', 256, 'does not fit'],
    ['byte', -1, 'does not fit'],
    ['byte', 'x', '"x" is no whole number'],
    ['byte', 1.5, 'is no whole number'],
    ['mood', 'ANGRY', 'is none of CALM, BUSY, WILD'],
    ['text', 'much too long', 'has 13 bytes; 8 fit'],
    ['shorts', [1, 2, 3, 4], 'has 4 elements; 3 fit'],
    ['shorts', 5, 'an array of 3'],
    ['point', { z: 1 }, 'has no member z'],
    ['point', { x: 'a' }, 'point: x: "a" is no whole number'],
  ])('refuses %s = %j', (name, value, problem) => {
    expect(() => encodeValue(btf, typeOf(name), bytesOf(name), value, name)).toThrow(problem);
  });
});

describe('followPath', () => {
  it.each([
    ['point', '.y', 4],
    ['point', '.name[3]', 11],
    ['grid', '[1][0]', 8],
    ['grid', '', 0],
  ])('%s%s', (name, path, offset) => {
    expect(followPath(btf, typeOf(name), path).offset).toBe(offset);
  });
  it.each([
    ['grid', '[2]', 'past the end'],
    ['grid', '.x', 'no member x'],
    ['point', '[0]', 'not in an array'],
    ['point', 'x', 'is no path'],
  ])('refuses %s%s', (name, path, problem) => {
    expect(() => followPath(btf, typeOf(name), path)).toThrow(problem);
  });
});

it('reads no more than 16 bytes of an integer that claims to be huge', () => {
  const builder = new BtfBuilder();
  const id = builder.int('u32', 4);
  const plain = builder.build();
  const bytes = plain.bytes.slice();
  new DataView(bytes.buffer).setUint32(plain.recordOffset(id) + 8, 3_000_000_000, true);
  expect(decodeValue(Btf.parse(bytes), id, new Uint8Array(4).fill(1))).toBe(0x01010101);
});
