import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/index.ts';
import { cpus, entry, example } from '../examples.ts';

describe('affinity', () => {
  it('records the CPUs of every new task, and those that are not reserved', () => {
    const machine = createMachine({ cpus: 8 });
    const object = machine.load(example('affinity'), { name: 'affinity.bpf.o', set: { reserved: 0x3 } });
    machine.attach(object.program('record_new_task'));
    machine.current.setAffinity('1-5');
    machine.fire('task_newtask');
    machine.current.setAffinity('0,7');
    machine.fire('task_newtask');

    const tasks = object.map('tasks');
    const first = entry(tasks, 2);
    expect([cpus(first.allowed), cpus(first.unreserved), first.nr_allowed, first.first_choice]).toEqual([
      '1-5',
      '2-5',
      5,
      2,
    ]);
    expect(first.comm).toBe('init');
    const second = entry(tasks, 3);
    expect([cpus(second.allowed), cpus(second.unreserved)]).toEqual(['0,7', '7']);
    expect(cpus(object.globals.get('in_use'))).toBe('0-5,7');
    expect(object.globals.all()).toMatchObject({ recorded: 2, failed: 0 });
  });

  it('counts what it could not record when no mask can be had', () => {
    const machine = createMachine({ cpus: 2 });
    const object = machine.load(example('affinity'));
    machine.faults.plan({ rate: 1 });
    object.program('record_new_task').run();
    expect(object.globals.get('failed')).toBe(1);
    expect(machine.leaks()).toEqual([]);
  });

  it('gives everything back when it is unloaded', () => {
    const machine = createMachine({ cpus: 4 });
    const object = machine.load(example('affinity'));
    for (let i = 0; i < 5; i++) object.program('record_new_task').run();
    object.dispose();
    machine.rcu.synchronize();
    expect(machine.liveObjects()).toEqual([]);
  });
});
