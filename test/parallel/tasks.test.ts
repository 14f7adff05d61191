/** Which tasks run programs that run at once. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Machine } from '../../src/machine/machine.ts';
import type { BpfObject } from '../../src/machine/object.ts';
import { createMachine } from '../../src/platform/create_machine.ts';

const OBJECT = readFileSync(new URL('../../examples/claim/claim.bpf.o', import.meta.url));

/** Pids of those who claimed CPUs, by how many each has. */
function owners(object: BpfObject): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { value } of object.map('owners').entries()) {
    const pid = new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    counts[pid] = (counts[pid] ?? 0) + 1;
  }
  return counts;
}

function load(machine: Machine): BpfObject {
  const object = machine.load(OBJECT);
  expect(object.program('set_up').run().retval).toBe(0);
  return object;
}

it('each CPU has one of its own, the first the current one', async () => {
  using machine = createMachine({ cpus: 8 });
  machine.current = machine.tasks.create({ pid: 500 });
  const object = load(machine);
  const program = object.program('claim_cpu');
  await machine.runParallel([3, 0, 5].map((cpu) => ({ cpu, program, times: 2 })));
  expect(owners(object)).toEqual({ 500: 2, 501: 2, 502: 2 });
  await machine.runParallel([{ cpu: 1, program }]);
  program.run({ cpu: 5 });
  expect(owners(object)).toEqual({ 500: 4, 501: 2, 502: 2 });
});

it('a job can name its task', async () => {
  using machine = createMachine({ cpus: 8 });
  const object = load(machine);
  const program = object.program('claim_cpu');
  const task = machine.tasks.create({ pid: 90 });
  await machine.runParallel([
    { cpu: 0, program },
    { cpu: 1, program, task, times: 2 },
  ]);
  expect(owners(object)).toEqual({ 1: 1, 90: 2 });
});
