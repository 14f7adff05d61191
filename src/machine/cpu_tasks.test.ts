import { describe, expect, it } from 'vitest';
import { PC_CURRENT } from '../../assembly/layout.ts';
import { createMachine } from '../platform/create_machine.ts';
import type { Machine } from './machine.ts';

/** Pids of the tasks that CPUs run, as programs see them. */
function pids(machine: Machine): (number | undefined)[] {
  const { memory, tasks } = machine;
  const all = new Map(tasks.all().map((task) => [task.offset, task.pid]));
  return Array.from({ length: machine.cpus }, (_, cpu) => all.get(memory.u32At(memory.percpu(cpu) + PC_CURRENT)));
}

describe('tasks of CPUs', () => {
  it('are one as long as one program runs at a time, and one each while several do', () => {
    using machine = createMachine({ cpus: 4 });
    machine.current = machine.tasks.create({ pid: 77, comm: 'worker', affinity: '0-2' });
    expect(pids(machine)).toEqual([77, 77, 77, 77]);
    machine.cpuTasks.spread([2, 0, 2, 1]);
    expect(pids(machine)).toEqual([78, 79, 77, 77]);
    const other = machine.cpuTasks.on(0);
    expect([other.comm, other.tgid, other.affinity.toString(), other.cpu]).toEqual(['worker', 78, '0-2', 0]);
    machine.cpuTasks.gather();
    expect(pids(machine)).toEqual([77, 77, 77, 77]);
  });

  it('are the same when a CPU runs something again, and never on two CPUs', () => {
    using machine = createMachine({ cpus: 4 });
    machine.cpuTasks.spread([0, 1, 2]);
    const [one, two] = [machine.cpuTasks.on(1), machine.cpuTasks.on(2)];
    machine.cpuTasks.spread([0, 2]);
    expect(machine.cpuTasks.on(2)).toBe(two);
    machine.current = one;
    machine.cpuTasks.spread([0, 1, 2]);
    expect(pids(machine)).toEqual([2, 4, 3, 2]);
  });

  it('can be given', () => {
    using machine = createMachine({ cpus: 4 });
    machine.cpuTasks.spread([0, 1], new Map([[1, machine.current]]));
    expect(pids(machine)).toEqual([2, 1, 1, 1]);
  });
});
