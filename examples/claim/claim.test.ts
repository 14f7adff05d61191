import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/index.ts';
import { cpus, example, u32 } from '../examples.ts';

function setUp(nr: number) {
  const machine = createMachine({ cpus: nr });
  const object = machine.load(example('claim'), { set: { nr_cpus: nr } });
  object.program('set_up').run();
  return { machine, object, claim: () => object.program('claim_cpu').run().retval };
}

describe('claim', () => {
  it('hands out each CPU once, then none', () => {
    const { object, claim } = setUp(4);
    expect([claim(), claim(), claim(), claim(), claim()]).toEqual([0, 1, 2, 3, 0xffffffff]);
    expect(object.globals.all()).toMatchObject({ claims: 4, refusals: 1 });
    expect(cpus(object.globals.get('claimed'))).toBe('0-3');
  });

  it('hands out no CPU that the machine does not have', () => {
    const machine = createMachine({ cpus: 2 });
    const object = machine.load(example('claim'), { set: { nr_cpus: 8 } });
    object.program('set_up').run();
    const claim = () => object.program('claim_cpu').run().retval;
    expect([claim(), claim(), claim()]).toEqual([0, 1, 0xffffffff]);
  });

  it('hands out again what was given back', () => {
    const { object, claim } = setUp(3);
    for (let i = 0; i < 3; i++) claim();
    const giveBack = object.program('give_back_cpu');
    expect(giveBack.run({ ctx: u32(1) }).retval).toBe(0);
    expect(giveBack.run({ ctx: u32(1) }).retval | 0).toBe(-22);
    expect(claim()).toBe(1);
  });

  it('notes the owner', () => {
    const { machine, object, claim } = setUp(2);
    machine.current = machine.tasks.create({ pid: 77, comm: 'worker' });
    expect(claim()).toBe(0);
    expect(object.map('owners').get(u32(0))).toBe(77);
  });
});
