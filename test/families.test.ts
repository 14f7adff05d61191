// Objects written as the kernel's own tests are: they check the pid, set `err`, and run unchanged on machines of any size.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadObject } from '../src/loader/object.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { root } from './root.ts';

const OBJECTS = ['masks', 'slots', 'tasks', 'stash'].map((name) => {
  const bytes = new Uint8Array(readFileSync(new URL(`test/objects/${name}.bpf.o`, root)));
  return { name, bytes, programs: loadObject(bytes, name).programs.map((program) => program.name) };
});

/** Runs one program as pid 77; gives what it left in `err`, and how many objects outlive the unloaded object. */
function run(bytes: Uint8Array, program: string, engine: 'interp' | 'jit', cpus: number, nrCpus = cpus) {
  const machine = createMachine({ cpus, engine });
  machine.current = machine.tasks.create({ pid: 77, comm: 'task-77', parent: machine.current });
  const object = machine.load(bytes, { programs: [program], set: { pid: 77, nr_cpus: nrCpus } });
  const { retval, insns, fault } = object.program(program).run();
  const err = object.globals.get('err');
  const leaks = machine.leaks().length;
  const warnings = machine.warnings().length;
  object.dispose();
  machine.rcu.synchronize();
  return { outcome: { retval, fault, err, leaks, warnings, left: machine.liveObjects().length }, insns };
}

describe.each(OBJECTS)('$name.bpf.o', ({ bytes, programs }) => {
  const cases = programs.flatMap((program) =>
    [2, 130].flatMap((cpus) => (['interp', 'jit'] as const).map((engine) => [program, cpus, engine] as const)),
  );
  it.each(cases)('%s, %i CPUs, %s', (program, cpus, engine) => {
    const { outcome, insns } = run(bytes, program, engine, cpus);
    expect(outcome).toEqual({ retval: 0, fault: null, err: 0, leaks: 0, warnings: 0, left: 0 });
    expect(insns).toBeGreaterThan(15);
  });
});

it('a program that finds something else says so', () => {
  const tasks = OBJECTS.find(({ name }) => name === 'tasks');
  expect(run(tasks?.bytes ?? new Uint8Array(), 'masks_of_trusted_task', 'jit', 4, 5).outcome.err).toBe(3);
});
