// ARRAY_OF_MAPS and HASH_OF_MAPS (test/objects/inner.bpf.c): programs look maps up, user space puts them in.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../src/platform/create_machine.ts';
import { errno } from '../src/uapi/errno.ts';

const bytes = new Uint8Array(readFileSync(new URL('objects/inner.bpf.o', import.meta.url)));
const u32 = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);

function load(cpus = 4) {
  const machine = createMachine({ cpus });
  machine.current = machine.tasks.create({ pid: 77, comm: 'test' });
  const object = machine.load(bytes, { name: 'inner.bpf.o', set: { pid: 77, nr_cpus: cpus } });
  const run = (name: string) => {
    const { retval } = object.program(name).run({});
    return [retval, object.globals.get('err')];
  };
  return { machine, object, run };
}

describe.each([2, 130])('maps of maps on %i CPUs', (cpus) => {
  it('programs keep masks in the maps of an array of maps', () => {
    const { machine, object, run } = load(cpus);
    expect(run('keep_masks')).toEqual([0, 0]);
    expect(object.map('node0').get(u32(7))).toMatchObject({ tag: 0, mask: { cpus: '0', refs: 1 } });
    expect(object.map('node2').get(u32(7))).toMatchObject({ tag: cpus - 1, mask: { cpus: `${cpus - 1}` } });
    expect(machine.liveObjects()).toHaveLength(2);
    expect(machine.leaks()).toEqual([]);
    expect(run('drop_masks')).toEqual([0, 0]);
    expect(machine.liveObjects()).toHaveLength(1);
    object.dispose();
    expect(machine.liveObjects()).toEqual([]);
  });
});

describe('maps of maps', () => {
  it('are found by key in a hash of maps', () => {
    const { object, run } = load();
    expect([run('count')[0], run('count')[0]]).toEqual([504, 1008]);
    expect(object.map('odd').get(u32(2))).toBe(10);
  });

  it('show ids to user space, and leave out slots without a map', () => {
    const { object } = load();
    const slots = (name: string) =>
      [...object.map(name).entries()].map(({ key }) => [key[0], object.map(name).get(key)]);
    expect(slots('nodes')).toEqual([
      [0, object.map('node0').id],
      [2, object.map('node2').id],
    ]);
    expect(slots('parity').sort()).toEqual([
      [4, object.map('even').id],
      [5, object.map('odd').id],
    ]);
  });

  it('take only maps like their template', () => {
    const { object, run } = load();
    const [nodes, parity] = [object.map('nodes'), object.map('parity')];
    const [even, node0] = [u32(object.map('even').id), u32(object.map('node0').id)];
    expect(nodes.update(u32(1), even)).toBe(-errno.EINVAL);
    expect(nodes.update(u32(4), node0)).toBe(-errno.E2BIG);
    expect(nodes.update(u32(1), node0, 1)).toBe(-errno.EINVAL);
    expect(nodes.update(u32(1), u32(999))).toBe(-errno.EBADF);
    expect(parity.update(u32(4), even, 1)).toBe(-errno.EEXIST);
    expect(parity.update(u32(9), even, 2)).toBe(-errno.ENOENT);
    expect(parity.update(u32(3), even)).toBe(0);
    expect(run('count')[0]).toBe(3 + 7 + 500);
    expect([parity.delete(u32(5)), parity.delete(u32(5))]).toEqual([0, -errno.ENOENT]);
    expect(run('count')[0]).toBe(10 + 14);
    expect([nodes.delete(u32(2)), nodes.delete(u32(9))]).toEqual([0, -errno.E2BIG]);
    expect(run('keep_masks')).toEqual([0, 10]);
  });

  it('forget a map that is freed', () => {
    const { object } = load();
    object.map('even').free();
    expect(object.map('parity').get(u32(4))).toBe(null);
    object.map('node0').free();
    expect(object.map('nodes').get(u32(0))).toBe(null);
  });
});
