/** What machine.runParallel cannot be asked for. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../src/machine/machine.ts';
import type { ParallelJob, ParallelOptions } from '../../src/machine/parallel.ts';
import { createMachine } from '../../src/platform/create_machine.ts';

const OBJECT = readFileSync(new URL('../objects/parallel.bpf.o', import.meta.url));

type Given = Omit<Partial<ParallelJob>, 'cpu'> & { cpu: number };

interface Row {
  readonly why: string;
  readonly jobs: (machine: Machine, other: Machine) => readonly Given[];
  readonly options?: ParallelOptions;
}

const ROWS: readonly Row[] = [
  { why: 'cpu 0: two jobs have it', jobs: () => [{ cpu: 0 }, { cpu: 0 }] },
  { why: 'this machine has CPUs 0-1', jobs: () => [{ cpu: 0 }, { cpu: 2 }] },
  { why: 'this machine has CPUs 0-1', jobs: () => [{ cpu: -1 }] },
  { why: 'this machine has CPUs 0-1', jobs: () => [{ cpu: 0.5 }] },
  { why: 'this machine has CPUs 0-1', jobs: () => [{ cpu: Number.NaN }] },
  { why: 'times: 0 is not a whole number from 1 on', jobs: () => [{ cpu: 0, times: 0 }] },
  { why: 'times: -1 is not', jobs: () => [{ cpu: 0, times: -1 }] },
  { why: 'times: NaN is not', jobs: () => [{ cpu: 0, times: Number.NaN }] },
  { why: 'budget: 1.5 is not', jobs: () => [{ cpu: 0, budget: 1.5 }] },
  { why: 'timeLimitMs: NaN is not', jobs: () => [{ cpu: 0 }], options: { timeLimitMs: Number.NaN } },
  { why: 'there are no jobs', jobs: () => [] },
  { why: '257 jobs are more than 256', jobs: () => Array.from({ length: 257 }, (_, cpu) => ({ cpu })) },
  {
    why: 'cpu 1: set_up is a program of another machine',
    jobs: (_, other) => [{ cpu: 0 }, { cpu: 1, program: other.load(OBJECT).program('set_up') }],
  },
  {
    why: 'cpu 0: set_up was disposed of',
    jobs: (machine) => {
      const program = machine.load(OBJECT).program('set_up');
      program.dispose();
      return [{ cpu: 0, program }];
    },
  },
  { why: 'cpu 0: task 1 is none of this machine', jobs: (_, other) => [{ cpu: 0, task: other.current }] },
  { why: 'task 1: two jobs have it', jobs: ({ current: task }) => [0, 1].map((cpu) => ({ cpu, task })) },
];

describe('machine.runParallel refuses', () => {
  it.each(ROWS)('$why', async ({ why, jobs, options }) => {
    using machine = createMachine({ cpus: 2 });
    using other = createMachine({ cpus: 2 });
    const program = machine.load(OBJECT).program('set_up');
    const given = jobs(machine, other).map((job) => ({ program, ...job }));
    await expect(machine.runParallel(given, options)).rejects.toThrow(why);
    await expect(machine.runParallel(given, options)).rejects.toMatchObject({ name: 'InputError' });
    // Nothing has begun.
    expect(program.run().retval).toBe(0);
  });

  it('a machine that was disposed of', async () => {
    const machine = createMachine({ cpus: 2 });
    const program = machine.load(OBJECT).program('set_up');
    machine.dispose();
    await expect(machine.runParallel([{ cpu: 0, program }])).rejects.toThrow('the machine was disposed of');
  });

  it('to let go of programs that run', async () => {
    using machine = createMachine({ cpus: 2 });
    const object = machine.load(OBJECT);
    const run = machine.runParallel([{ cpu: 0, program: object.program('set_up') }]);
    expect(() => object.dispose()).toThrow('a parallel run goes on');
    expect(() => object.program('claim').dispose()).toThrow('a parallel run goes on');
    await expect(machine.runParallel([{ cpu: 1, program: object.program('claim') }])).rejects.toThrow('goes on');
    expect((await run)[0]).toMatchObject({ retval: 0, fault: null });
  });
});
