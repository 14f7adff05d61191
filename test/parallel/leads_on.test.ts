/** What programs of other threads lead to: the programs of tail calls, callbacks of timers and work items. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/engine/engines.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { createMachine } from '../../src/platform/create_machine.ts';

const OBJECT = readFileSync(new URL('../objects/callbacks.bpf.o', import.meta.url));
const DEFERRED = readFileSync(new URL('../objects/deferred.bpf.o', import.meta.url));

/** Objects of one machine, so that places in its table differ from those that a new thread would give. */
function load(machine: Machine) {
  const [before, object] = [machine.load(OBJECT), machine.load(OBJECT)];
  expect(before.program('jump').run().retval).toBe(40);
  return object;
}

describe.each(ENGINE_NAMES)('tail calls on two CPUs at once, %s', (engine) => {
  it('go on in the program of the slot, and behind the call where there is none', async () => {
    using machine = createMachine({ cpus: 4, engine });
    const object = load(machine);
    const [a, b, other] = await machine.runParallel([
      { cpu: 0, program: object.program('jump'), times: 100 },
      { cpu: 1, program: object.program('jump') },
      { cpu: 2, program: object.program('tree') },
    ]);
    // 33 calls of `last` each, as for one that runs alone: see callbacks.test.ts.
    expect([a, b].map((run) => [run?.retval, run?.fault, run?.died])).toEqual([40, 40].map((r0) => [r0, null, null]));
    expect(a?.insns).toBe(100 * (b?.insns ?? 0));
    expect(other?.fault).toBeNull();
  });

  it('reach what was loaded since the thread started', async () => {
    using machine = createMachine({ cpus: 4, engine });
    await machine.runParallel([{ cpu: 1, program: machine.load(OBJECT).program('tree') }]);
    const object = load(machine);
    const [run] = await machine.runParallel([{ cpu: 1, program: object.program('jump') }]);
    expect(run).toMatchObject({ retval: 40, fault: null });
    object.dispose();
    const [again] = await machine.runParallel([{ cpu: 1, program: machine.load(OBJECT).program('jump') }]);
    expect(again).toMatchObject({ retval: 40, fault: null });
  });
});

it.each(ENGINE_NAMES)('timers and work items that programs start run when all have ended, %s', async (engine) => {
  using machine = createMachine({ cpus: 4, engine });
  const object = machine.load(DEFERRED);
  await machine.runParallel(['start', 'work'].map((name, i) => ({ cpu: i + 1, program: object.program(name) })));
  expect(object.globals.get('jobs_done')).toBe(1);
  expect(object.globals.get('last_key')).toBe(0);
  machine.advance(20_000_000);
  expect(object.globals.get('last_key')).toBe(1);
  expect(machine.callbackFaults).toEqual([]);
});
