import { describe, expect, it } from 'vitest';
import { CpuMask, createMachine } from '../../src/index.ts';
import { example } from '../examples.ts';

describe('confine', () => {
  it('acts on the CPUs of the policy only', () => {
    const machine = createMachine({ cpus: 64 });
    const object = machine.load(example('confine'));
    const policy = CpuMask.fromList('3,60-62');
    const { retval } = object.program('install_policy').run({ ctx: policy.toBytes(128) });
    expect([retval, object.globals.get('policy_weight')]).toEqual([0, 4]);
    machine.attach(object.program('count_switch'));
    for (const cpu of [0, 3, 61, 63, 3]) machine.fire('sched_switch', { cpu });
    expect(object.globals.all()).toMatchObject({ acted: 3, ignored: 2 });
    const [entry] = [...object.map('switches').entries()];
    const view = new DataView(entry?.value.buffer ?? new ArrayBuffer(0));
    expect([3, 61, 0].map((cpu) => view.getBigUint64(cpu * 8, true))).toEqual([2n, 1n, 0n]);
  });

  it('has a policy before one is installed', () => {
    const machine = createMachine({ cpus: 8 });
    const object = machine.load(example('confine'));
    object.program('count_switch').run({ cpu: 5 });
    object.program('count_switch').run({ cpu: 0 });
    expect(object.globals.all()).toMatchObject({ acted: 1, ignored: 1, policy: null });
  });

  it('releases the policy that a new one replaces', () => {
    const machine = createMachine({ cpus: 8 });
    const object = machine.load(example('confine'));
    for (let i = 0; i < 3; i++) object.program('install_policy').run({ ctx: CpuMask.of(i).toBytes(128) });
    machine.rcu.synchronize();
    expect(machine.liveObjects()).toHaveLength(1);
  });
});
