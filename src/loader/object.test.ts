import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from '../../test/root.ts';
import { BPF_PSEUDO_FUNC } from '../uapi/bpf.ts';
import { internalMapName } from './globals.ts';
import { loadObject, objectName } from './object.ts';

const bytes = readFileSync(new URL('test/objects/linkage.bpf.o', root));
const spec = loadObject(bytes, 'some/where/linkage.bpf.o');
const program = (name: string) => spec.programs.find((row) => row.name === name) ?? spec.programs[0];
const imm = (insns: Uint8Array, insn: number): number => new DataView(insns.buffer).getInt32(insn * 8 + 4, true);

describe('loadObject', () => {
  it('names the object and keeps its license', () => {
    expect([spec.file, spec.name, spec.license]).toEqual(['some/where/linkage.bpf.o', 'linkage', 'Dual MIT/GPL']);
    expect(['a/b.bpf.o', 'b.o', 'b', 'C:\\x\\y.bpf.o', 'a.b.o'].map(objectName)).toEqual(['b', 'b', 'b', 'y', 'a.b']);
  });

  it('reads maps in libbpf order', () => {
    const rows = spec.maps.map((map) => [map.name, map.type, map.keySize, map.valueSize, map.maxEntries, map.flags]);
    expect(rows).toEqual([
      ['inner_a', 'array', 4, 8, 3, 0],
      ['inner_b', 'array', 4, 8, 3, 0],
      ['outer', 'array_of_maps', 4, 4, 4, 0],
      ['calls', 'prog_array', 4, 4, 2, 0],
      ['pinned', 'hash', 8, 10, 64, 1],
      ['ring', 'ringbuf', 0, 0, 8192, 0],
      ['arena', 'arena', 0, 0, 10, 0x400],
      ['linkage.data', 'array', 4, 12, 1, 0x400],
      ['linkage.rodata', 'array', 4, 4, 1, 0x480],
      ['.data.of_a_long', 'array', 4, 4, 1, 0x400],
      ['linkage.bss', 'array', 4, 8, 1, 0x400],
      ['.bss.own', 'array', 4, 8, 1, 0],
      ['linkage.kconfig', 'array', 4, 25, 1, 0x480],
    ]);
    const map = (name: string) => spec.maps.find((row) => row.name === name);
    expect(map('outer')?.inner).toMatchObject({ name: 'outer.inner', type: 'array', maxEntries: 3, valueSize: 8 });
    expect(map('outer')?.values).toEqual([
      { index: 1, name: 'inner_a' },
      { index: 3, name: 'inner_b' },
    ]);
    expect(map('calls')?.values).toEqual([{ index: 1, name: 'entry_point' }]);
    expect(map('pinned')).toMatchObject({ pinning: 'byName', numaNode: 1 });
    expect(map('arena')?.mapExtra).toBe(0x100000000000n);
    expect(spec.btf?.size(map('pinned')?.valueTypeId ?? 0)).toBe(10);
  });

  it('knows the variables and their initial values', () => {
    const variables = spec.maps.flatMap((map) =>
      (map.section?.variables ?? []).map((row) => [map.name, row.name, row.offset, row.size, row.linkage].join(' ')),
    );
    expect(variables).toEqual([
      'linkage.data answer 0 4 global',
      'linkage.data secret 4 4 static',
      'linkage.data weakly 8 4 weak',
      'linkage.rodata limit 0 4 global',
      '.data.of_a_long named 0 4 global',
      'linkage.bss counter 0 8 global',
      '.bss.own pad 0 8 static',
      'linkage.kconfig CONFIG_NOT_KNOWN_TO_ANYBODY 0 8 global',
      'linkage.kconfig CONFIG_MODULES 8 4 global',
      'linkage.kconfig LINUX_KERNEL_VERSION 12 4 global',
      'linkage.kconfig CONFIG_SMP 16 1 global',
      'linkage.kconfig CONFIG_DEFAULT_HOSTNAME 17 8 global',
    ]);
    const data = spec.maps.find((map) => map.name === 'linkage.data')?.section?.data;
    expect(data && new DataView(data.buffer, data.byteOffset).getInt32(0, true)).toBe(42);
  });

  it('appends the subprograms that a program uses, where they are first called', () => {
    expect(program('entry_point')?.funcs.map((func) => [func.name, func.insn, func.linkage])).toEqual([
      ['entry_point', 0, 'global'],
      ['on_step', 26, 'static'],
      ['hidden_helper', 35, 'static'],
      ['global_helper', 43, 'global'],
      ['leaf', 46, 'static'],
    ]);
    expect(program('not_loaded')?.funcs.map((func) => func.name)).toEqual(['not_loaded', 'leaf']);
    expect(program('maps')?.funcs.map((func) => func.name)).toEqual(['maps']);
  });

  it('resolves calls and callbacks', () => {
    const { insns = new Uint8Array(), relocations = [] } = program('entry_point') ?? {};
    const callback = relocations.find((row) => row.kind === 'subprog');
    expect(callback).toMatchObject({ target: 26 });
    const at = callback?.insn ?? 0;
    expect((insns[at * 8 + 1] ?? 0) >> 4).toBe(BPF_PSEUDO_FUNC);
    expect(at + imm(insns, at) + 1).toBe(26);
    const calls = Array.from({ length: insns.length / 8 }, (_, i) => i).filter(
      (i) => insns[i * 8] === 0x85 && (insns[i * 8 + 1] ?? 0) >> 4 === 1,
    );
    expect(calls.map((i) => i + imm(insns, i) + 1)).toEqual([35, 43, 46, 46]);
  });

  it('says where each instruction comes from', () => {
    const lines = program('not_loaded')?.lines ?? [];
    expect(lines[0]?.file).toBe('./test/objects/linkage.bpf.c');
    expect(lines.map((line) => line.text.trim())).toContain('return leaf(1);');
    expect(lines.find((line) => line.insn === 3)?.text).toMatch(/static __noinline int leaf/);
    expect(lines.every((line, i) => i === 0 || line.insn >= (lines[i - 1]?.insn ?? 0))).toBe(true);
  });

  it('reads program sections', () => {
    const rows = spec.programs.map((row) => [row.name, row.type, row.attachTo, row.autoload, row.flags]);
    expect(rows).toEqual([
      ['entry_point', 'syscall', null, true, 16],
      ['symbols', 'syscall', null, true, 16],
      ['maps', 'syscall', null, true, 16],
      ['not_loaded', 'tracing', 'task_newtask', false, 0],
      ['sleeps', 'lsm', 'file_open', true, 16],
    ]);
  });

  it('sorts externs as libbpf does', () => {
    expect(spec.externs.map((row) => [row.kind, row.name, row.weak, row.offset, row.size, row.kconfig?.kind])).toEqual([
      ['kconfig', 'CONFIG_NOT_KNOWN_TO_ANYBODY', true, 0, 8, 'int'],
      ['kconfig', 'CONFIG_MODULES', false, 8, 4, 'tristate'],
      ['kconfig', 'LINUX_KERNEL_VERSION', false, 12, 4, 'int'],
      ['kconfig', 'CONFIG_SMP', false, 16, 1, 'bool'],
      ['kconfig', 'CONFIG_DEFAULT_HOSTNAME', false, 17, 8, 'string'],
      ['kfunc', 'bpf_cpumask_create___mine', true, 0, 0, undefined],
      ['kfunc', 'bpf_cpumask_of_nobody', true, 0, 0, undefined],
      ['kfunc', 'bpf_cpumask_release', false, 0, 0, undefined],
      ['ksym', 'nobody_has_this', true, 0, 0, undefined],
      ['ksym', 'runqueues', false, 0, 0, undefined],
      ['ksym', 'schedule', false, 0, 0, undefined],
    ]);
  });

  it('makes externs of BTF what a kernel takes', () => {
    const btf = spec.btf;
    const ksyms = btf?.type(btf.find('.ksyms', 'datasec'));
    if (!btf || ksyms?.kind !== 'datasec') throw new Error('no .ksyms');
    expect(ksyms.size).toBe(ksyms.vars.length * 4);
    for (const row of ksyms.vars) expect(btf.type(row.type)).toMatchObject({ kind: 'var', linkage: 'global' });
    expect(btf.type(btf.find('bpf_cpumask_release', 'func'))).toMatchObject({ linkage: 'global' });
    expect(btf.type(btf.find('hidden_helper', 'func'))).toMatchObject({ linkage: 'static' });
    const data = btf.type(btf.find('.data', 'datasec'));
    expect(data).toMatchObject({ size: 12 });
  });
});

describe('internalMapName', () => {
  it.each([
    ['prog', '.bss', 'prog.bss'],
    ['a_long_object_name', '.bss', 'a_long_o.bss'],
    ['a_long_object_name', '.rodata', 'a_long_o.rodata'],
    ['a_long_object_name', '.kconfig', 'a_long_.kconfig'],
    ['prog', '.data.cpus', '.data.cpus'],
    ['prog', '.rodata.abracadabra', '.rodata.abracad'],
    ['my-prog', '.data', 'my_prog.data'],
  ])('%s %s', (object, section, want) => expect(internalMapName(object, section)).toBe(want));
});
