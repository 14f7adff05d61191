/** Time passes while programs run at once, and the machine's clock is where the CPU that is furthest has come to. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/platform/create_machine.ts';

/** Its programs keep when they looked at the clock last. */
const OBJECT = readFileSync(new URL('../explore/races/late_clock.bpf.o', import.meta.url));
const TIMES = 1000;

describe.each(['interp', 'jit'] as const)('%s', (engine) => {
  it('goes on from run to run', async () => {
    using machine = createMachine({ cpus: 2, engine });
    const object = machine.load(OBJECT);
    const began = machine.now;
    const [run] = await machine.runParallel([{ cpu: 1, program: object.program('account_right'), times: TIMES }]);
    const each = (run?.insns ?? 0) / TIMES;
    expect(each).toBeGreaterThan(5);
    // The last run began when all before it had ended.
    expect(BigInt(object.globals.get('last') as number | bigint) - began).toBe(BigInt(each * (TIMES - 1)));
    expect(machine.now - began).toBe(BigInt(each * TIMES));
  });

  it('is where the CPU that is furthest has come to', async () => {
    using machine = createMachine({ cpus: 2, engine });
    const program = machine.load(OBJECT).program('account_right');
    const began = machine.now;
    const runs = await machine.runParallel([1, TIMES].map((times, cpu) => ({ cpu, program, times })));
    expect(machine.now - began).toBe(BigInt(Math.max(...runs.map(({ insns }) => insns))));
  });
});
