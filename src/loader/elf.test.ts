import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from '../../test/root.ts';
import { InputError } from '../errors.ts';
import { ElfObject, elfSectionData } from './elf.ts';
import { loadObject } from './object.ts';

const bytes = new Uint8Array(readFileSync(new URL('test/objects/linkage.bpf.o', root)));
const header = new DataView(bytes.buffer);
const table = header.getUint32(40, true);
const elf = ElfObject.parse(bytes, 'x.bpf.o');
const indexOf = (name: string): number => elf.section(name)?.index ?? 0;

const patched = (patch: (view: DataView, copy: Uint8Array) => void): Uint8Array => {
  const copy = bytes.slice();
  patch(new DataView(copy.buffer), copy);
  return copy;
};
/** Overwrites a word of a section's header. */
const section = (name: string, field: number, value: number): Uint8Array =>
  patched((view) => view.setUint32(table + indexOf(name) * 64 + field, value, true));

describe('ElfObject', () => {
  it('reads sections and symbols', () => {
    expect(elf.section('license')?.data).toEqual(new TextEncoder().encode('Dual MIT/GPL\0'));
    const symbol = elf.symbols.find((row) => row.name === 'entry_point');
    expect(symbol).toMatchObject({ bind: 1, type: 2, section: indexOf('syscall') });
    expect(elf.symbols.find((row) => row.name === 'hidden_helper')?.visibility).toBe(2);
    expect(elfSectionData(bytes, '.BTF', 'x')?.subarray(0, 2)).toEqual(Uint8Array.of(0x9f, 0xeb));
    expect(elfSectionData(bytes, '.nothing', 'x')).toBeNull();
  });

  it('copies what it is given as a Buffer', () => {
    const spec = loadObject(Buffer.from(bytes), 'x.bpf.o');
    const again = loadObject(Buffer.from(bytes), 'x.bpf.o');
    expect(spec.btf?.bytes).toEqual(again.btf?.bytes);
  });
});

describe('bad ELF files', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['empty', new Uint8Array(0), /offset 0x0: not an ELF file/],
    ['32 bit', patched((v) => v.setUint8(4, 1)), /offset 0x4: not a 64-bit ELF file/],
    ['big endian', patched((v) => v.setUint8(5, 2)), /offset 0x5: big endian; compile with -target bpfel/],
    ['executable', patched((v) => v.setUint16(16, 2, true)), /offset 0x10: ELF type 2/],
    ['x86', patched((v) => v.setUint16(18, 62, true)), /offset 0x12: machine 62 is not BPF \(247\)/],
    ['cut off', bytes.slice(0, table + 100), /offset 0x28: \d+ section headers at .* end past the file/],
    ['no sections', patched((v) => v.setUint16(60, 0, true)), /offset 0x3c: no sections/],
    ['section past the file', section('.BTF', 32, 1e7), /section \d+ \(10000000 bytes at 0x\w+\) ends past the file/],
    ['section name', section('.BTF', 0, 1e7), /name of section \d+: lies at 10000000 in a string section/],
    ['huge .bss', section('.bss', 36, 1), /takes \d+ bytes; all .bss sections may take 67108864/],
    ['no symbols', section('.symtab', 4, 1), /no symbol table; was the object stripped/],
    ['symbol size', section('.symtab', 56, 23), /symbols of 23 bytes, want 24/],
    ['symbol strings', section('.symtab', 40, 999), /symbol strings in section 999/],
    ['relocation size', section('.relsyscall', 56, 24), /section .relsyscall: entries of 24 bytes, want 16/],
    ['BTF', section('.BTF', 24, 64), /section .BTF: BTF offset 0x0: no BTF/],
    ['BTF.ext', section('.BTF.ext', 24, 64), /section .BTF.ext, offset 0x0: magic is not 0xeb9f/],
  ])('%s', (_, input, want) => {
    expect(() => loadObject(input, 'x.bpf.o')).toThrow(InputError);
    expect(() => loadObject(input, 'x.bpf.o')).toThrow(want);
  });
});
