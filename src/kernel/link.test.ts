import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from '../../test/root.ts';
import { corpusProfile } from '../../test/verdicts/corpus.ts';
import { NotSupported } from '../errors.ts';
import { loadObject } from '../loader/object.ts';
import type { ObjectSpec } from '../loader/spec.ts';
import { errno } from '../uapi/errno.ts';
import { linkPrograms, POISON_CALL_KFUNC_BASE } from './link.ts';
import type { KernelProgram } from './program.ts';
import { POISON } from './relo_patch.ts';

const load = (name: string): ObjectSpec =>
  loadObject(readFileSync(new URL(`test/objects/${name}.bpf.o`, root)), `${name}.bpf.o`);
const facts = JSON.parse(readFileSync(new URL('test/data/verdicts/kernel.json', root), 'utf8'));
const profile = corpusProfile();
const core = load('core');
const linkage = load('linkage');

function link(spec: ObjectSpec, name: string): KernelProgram {
  const [result] = linkPrograms(spec, profile, { programs: [name] });
  if (!result?.program) throw new Error(`${name}: ${result?.reject?.message}`);
  return result.program;
}
const dump = ({ insns }: KernelProgram): string[] => Buffer.from(insns).toString('hex').match(/.{16}/g) ?? [];
/** The constant that a program returns, or 'poison'. */
function returned(name: string): bigint | 'poison' {
  const { insns } = link(core, name);
  const view = new DataView(insns.buffer);
  if (insns[0] === 0x85 && view.getInt32(4, true) === POISON) return 'poison';
  const low = BigInt(view.getUint32(4, true));
  return insns[0] === 0x18 ? low | (BigInt(view.getUint32(12, true)) << 32n) : low;
}

const task = facts.structs.task_struct;
/** Where the kernel's BTF has the bit field, worked out by hand from its record. */
const bit = (() => {
  const type = profile.btf.type(task.btf_id);
  const member = type.kind === 'struct' ? type.members.find((row) => row.name === 'sched_reset_on_fork') : undefined;
  if (member?.bitfieldSize !== 1) throw new Error('no bit field');
  return member.bitOffset;
})();

describe('CO-RE', () => {
  it.each<[string, number | 'poison']>([
    ['offset_pid', task.members.pid],
    ['offset_flavour', task.members.tgid],
    ['offset_element', task.members.comm + 5],
    ['offset_missing', 'poison'],
    ['size_comm', 16],
    ['size_mask', facts.structs.cpumask.size],
    ['exists_pid', 1],
    ['exists_missing', 0],
    ['exists_no_struct', 0],
    ['signed_pid', 1],
    ['signed_bits', 0],
    ['offset_bits', Math.floor(bit / 32) * 4],
    ['size_bits', 4],
    ['lshift_bits', 64 - (bit % 32) - 1],
    ['rshift_bits', 63],
    ['rshift_pid', 32],
    ['type_exists', 1],
    ['type_missing', 0],
    ['type_other_kind', 0],
    ['type_size', facts.structs.cpumask.size],
    ['type_size_missing', 0],
    ['type_matches', 1],
    ['type_has_more', 0],
    ['id_target', task.btf_id],
    ['value_of', 1],
    ['value_exists', 1],
    ['value_missing', 0],
    ['value_of_missing', 'poison'],
  ])('%s is %s', (name, want) => expect(returned(name)).toBe(want === 'poison' ? want : BigInt(want)));

  it('gives local ids as they are', () => {
    expect(core.btf?.name(Number(returned('id_local')))).toBe('task_struct');
  });

  const off = (offset: number): string => Buffer.from(Uint16Array.of(offset).buffer).toString('hex');
  const poison = `85000000${Buffer.from(Int32Array.of(POISON).buffer).toString('hex')}`;

  it('moves loads, and changes their width where the value stays the same', () => {
    expect(dump(link(core, 'load_pid'))[1]).toBe(`6110${off(task.members.pid)}00000000`);
    expect(dump(link(core, 'load_flags'))[1]).toBe(`6110${off(task.members.flags)}00000000`);
    expect(link(core, 'load_pid').coreInsns).toEqual(new Set([1]));
  });

  it('poisons loads that no type of the kernel fits', () => {
    expect(dump(link(core, 'load_wide'))[1]).toBe(poison);
    expect(dump(link(core, 'load_missing'))[1]).toBe(poison);
  });
});

describe('linkPrograms', () => {
  it('resolves kernel functions, and those that are not there', () => {
    const insns = dump(link(linkage, 'symbols'));
    const id = (name: string): string =>
      Buffer.from(Int32Array.of(profile.btf.find(name, 'func')).buffer).toString('hex');
    expect(insns[0]).toBe(`18310000${id('bpf_cpumask_create')}`);
    expect(insns[3]).toBe(`85200000${id('bpf_cpumask_create')}`);
    expect(insns[6]).toBe('1801000000000000');
    const poison = POISON_CALL_KFUNC_BASE + linkage.externs.findIndex((row) => row.name === 'bpf_cpumask_of_nobody');
    expect(insns[10]).toBe(`85000000${Buffer.from(Int32Array.of(poison).buffer).toString('hex')}`);
    expect(insns[12]).toBe(`85200000${id('bpf_cpumask_release')}`);
  });

  it('resolves variables by BTF id, typeless symbols by address', () => {
    const insns = link(linkage, 'symbols').insns;
    const view = new DataView(insns.buffer);
    const at = (name: string): number => {
      const extern = linkage.externs.findIndex((row) => row.name === name);
      const program = linkage.programs.find((row) => row.name === 'symbols');
      return (program?.relocations.find((row) => row.kind === 'ksym' && row.extern === extern)?.insn ?? 0) * 8;
    };
    expect((insns[at('runqueues') + 1] ?? 0) >> 4).toBe(3);
    expect(view.getInt32(at('runqueues') + 4, true)).toBe(profile.btf.find('runqueues', 'var'));
    expect(view.getUint32(at('schedule') + 12, true)).toBe(0xffffffff);
    expect(view.getBigUint64(at('nobody_has_this'), true) >> 32n).toBe(0n);
  });

  it('names maps by index', () => {
    const program = link(linkage, 'maps');
    const view = new DataView(program.insns.buffer);
    const named = linkage.programs
      .find((row) => row.name === 'maps')
      ?.relocations.map(({ insn }) => [
        (program.insns[insn * 8 + 1] ?? 0) >> 4,
        program.maps[view.getInt32(insn * 8 + 4, true)]?.name,
      ]);
    expect(named).toEqual([
      [5, 'outer'],
      [5, 'pinned'],
      [5, 'calls'],
      [5, 'ring'],
    ]);
  });

  it('finds what programs attach to', () => {
    expect(link(linkage, 'not_loaded').attachBtfId).toBe(profile.btf.find('btf_trace_task_newtask', 'typedef'));
    expect(link(linkage, 'sleeps').attachBtfId).toBe(profile.btf.find('bpf_lsm_file_open', 'func'));
    expect(link(linkage, 'symbols').attachBtfId).toBe(0);
  });

  it('fills in the kernel configuration', () => {
    const data = (kconfig?: Record<string, string>): DataView => {
      const [result] = linkPrograms(linkage, profile, { programs: ['sleeps'], kconfig });
      const map = result?.program?.maps.find((row) => row.section?.kind === 'kconfig');
      if (!map?.section) throw new Error(result?.reject?.message);
      return new DataView(map.section.data.buffer);
    };
    expect(data().getUint32(12, true)).toBe(profile.version);
    expect([data().getUint8(16), data().getUint32(8, true), data().getBigUint64(0, true)]).toEqual([1, 1, 0n]);
    expect(Buffer.from(data().buffer).toString('latin1', 17, 24)).toBe('(none)\0');
    const other = data({
      CONFIG_MODULES: 'm',
      CONFIG_NOT_KNOWN_TO_ANYBODY: '-1',
      CONFIG_DEFAULT_HOSTNAME: '"a-long-name"',
    });
    expect([other.getUint32(8, true), other.getBigInt64(0, true)]).toEqual([2, -1n]);
    expect(Buffer.from(other.buffer).toString('latin1', 17, 25)).toBe('a-long-\0');
  });

  it.each<[Record<string, string>, number, string]>([
    [{ CONFIG_SMP: 'n' }, errno.ESRCH, "extern 'CONFIG_SMP' (strong): not resolved"],
    [{ CONFIG_SMP: 'm' }, errno.EINVAL, "extern (kcfg) 'CONFIG_SMP': value 'm' implies tristate or char type"],
    [{ CONFIG_SMP: '2' }, errno.EINVAL, "extern (kcfg) 'CONFIG_SMP': value '2' implies integer type"],
    [{ CONFIG_MODULES: '"x"' }, errno.EINVAL, `extern (kcfg) 'CONFIG_MODULES': value '"x"' implies char array type`],
    [
      { CONFIG_NOT_KNOWN_TO_ANYBODY: 'zz' },
      errno.EINVAL,
      "extern (kcfg) 'CONFIG_NOT_KNOWN_TO_ANYBODY': value 'zz' isn't a valid integer",
    ],
  ])('%o is %i', (kconfig, number, message) => {
    for (const { reject } of linkPrograms(linkage, profile, { kconfig })) {
      expect(reject).toEqual({ verdict: 'reject', stage: 'loader', errno: number, message });
    }
  });

  it('names configuration that no profile states', () => {
    const externs = linkage.externs.map((row) =>
      row.name === 'CONFIG_SMP' ? { ...row, name: 'CONFIG_UNHEARD_OF' } : row,
    );
    expect(() => linkPrograms({ ...linkage, externs }, profile)).toThrow(NotSupported);
    expect(() => linkPrograms({ ...linkage, externs }, profile)).toThrow(/CONFIG_UNHEARD_OF/);
  });

  const changed = (name: string, change: object): ObjectSpec => ({
    ...linkage,
    programs: linkage.programs.filter((row) => row.name === name).map((row) => ({ ...row, ...change })),
  });
  it.each<[string, ObjectSpec, number, string]>([
    [
      'no target',
      changed('not_loaded', { section: 'tp_btf', attachTo: null }),
      errno.EINVAL,
      "prog 'not_loaded': no BTF-based attach target is specified, use bpf_program__set_attach_target()",
    ],
    [
      'unknown target',
      changed('not_loaded', { attachTo: 'nothing' }),
      errno.ESRCH,
      "prog 'not_loaded': failed to find kernel BTF type ID of 'nothing': -ESRCH",
    ],
    [
      'module',
      changed('sleeps', { attachTo: 'ext4:file_open' }),
      errno.ESRCH,
      "prog 'sleeps': failed to find kernel BTF type ID of 'ext4:file_open': -ESRCH",
    ],
    [
      'long target',
      changed('sleeps', { attachTo: 'x'.repeat(140) }),
      errno.ENAMETOOLONG,
      `prog 'sleeps': failed to find kernel BTF type ID of '${'x'.repeat(140)}': -ENAMETOOLONG`,
    ],
    [
      'no type',
      changed('maps', { section: 'mine', type: 'unspec' }),
      errno.EINVAL,
      "prog 'maps': missing BPF prog type, check ELF section name 'mine'",
    ],
  ])('%s', (_, spec, number, message) => {
    const [result] = linkPrograms(spec, profile);
    expect(result?.reject).toEqual({ verdict: 'reject', stage: 'loader', errno: number, message });
  });

  it('takes vmlinux: before a target', () => {
    const [result] = linkPrograms(changed('sleeps', { attachTo: 'vmlinux:file_open' }), profile);
    expect(result?.program?.attachBtfId).toBe(profile.btf.find('bpf_lsm_file_open', 'func'));
  });
});
