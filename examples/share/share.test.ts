import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/index.ts';
import { cpus, entry, example } from '../examples.ts';

describe('share', () => {
  it('hands each mask over, and shows it to readers', () => {
    const machine = createMachine({ cpus: 8 });
    const object = machine.load(example('share'));
    const publish = object.program('publish');
    const consume = object.program('consume');
    expect(publish.run().retval).toBe(1);
    consume.run();
    expect(publish.run().retval).toBe(2);
    consume.run();
    consume.run();
    expect(object.globals.all()).toMatchObject({ published: 2, consumed: 2, missed: 1, board_weight: 2 });
    const received = object.map('received');
    expect([cpus(entry(received, 1).mask), cpus(entry(received, 2).mask)]).toEqual(['0', '0-1']);
    // the board and the consumer hold the same mask
    expect(entry(object.map('slots'), 0).mask).toEqual({ type: 'bpf_cpumask', cpus: '0-1', refs: 2 });
    expect(machine.leaks()).toEqual([]);
  });

  it('keeps a mask that a reader still looks at', () => {
    const machine = createMachine({ cpus: 2 });
    const object = machine.load(example('share'));
    object.program('publish').run();
    object.program('consume').run();
    machine.cpu(1).rcuReadLock();
    const before = machine.liveObjects().length;
    object.map('received').delete(new Uint8Array([1, 0, 0, 0]));
    object.program('publish').run();
    machine.cpu(1).rcuReadUnlock();
    machine.rcu.synchronize();
    expect(before).toBe(1);
    expect(machine.liveObjects()).toHaveLength(1);
  });
});
