import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/index.ts';
import { cpus, example, firstU32, u32 } from '../examples.ts';

function balanced(wakeups: number, affinity: string) {
  const machine = createMachine({ cpus: 8 });
  const object = machine.load(example('balance'), { set: { housekeeping_cpus: 0x3f, isolated_cpus: 0x0c } });
  object.program('set_up').run();
  machine.current.setAffinity(affinity);
  machine.attach(object.program('pick_cpu'));
  for (let i = 0; i < wakeups; i++) machine.fire('sched_wakeup');
  const picks = Array.from({ length: 8 }, (_, cpu) => firstU32(object.map('picks').lookup(u32(cpu))));
  return { object, picks };
}

describe('balance', () => {
  it('picks housekeeping CPUs that are not isolated, evenly', () => {
    const { object, picks } = balanced(40, '0-7');
    expect(cpus(object.globals.get('usable'))).toBe('0-1,4-5');
    expect(picks).toEqual([10, 10, 0, 0, 10, 10, 0, 0]);
    expect(object.globals.get('no_choice')).toBe(0);
  });

  it('keeps to what the task is allowed', () => {
    const { picks } = balanced(4, '5,6');
    expect(picks[5]).toBeGreaterThan(0);
    expect(picks.filter((n, cpu) => n && cpu !== 5)).toEqual([]);
  });

  it('has no choice for a task that may only use isolated CPUs', () => {
    const { object, picks } = balanced(3, '2-3');
    expect(object.globals.get('no_choice')).toBe(3);
    expect(picks.every((n) => n === 0)).toBe(true);
  });
});
