/** Time passes while programs run at once, and the machine's clock is where the CPU that is furthest has come to. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createMachine } from '../../src/platform/create_machine.ts';

/** Its programs keep when they ran last. */
const OBJECT = readFileSync(new URL('../explore/races/late_clock.bpf.o', import.meta.url));
const TIMES = 1000;

it.each(['interp', 'jit'] as const)('goes on from run to run (%s)', async (engine) => {
  using machine = createMachine({ cpus: 2, engine });
  const object = machine.load(OBJECT);
  const program = object.program('account_right');
  const began = machine.now;
  const runs = await machine.runParallel([
    { cpu: 0, program, times: TIMES },
    { cpu: 1, program, times: 1 },
  ]);
  const most = Math.max(...runs.map(({ insns }) => insns));
  expect(most).toBeGreaterThan(5 * TIMES);
  expect(machine.now - began).toBe(BigInt(most));
  // The last run began when nearly all before it had ended.
  const last = Number(BigInt(object.globals.get('last') as number | bigint) - began);
  expect(last).toBeGreaterThan(most / 2);
  expect(last).toBeLessThan(most);
});
