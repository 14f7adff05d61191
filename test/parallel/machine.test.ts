/** Programs on several CPUs at once: machine.runParallel with real threads. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { MM_BYTES } from '../../assembly/layout.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/engine/engines.ts';
import type { Machine } from '../../src/machine/machine.ts';
import type { BpfObject } from '../../src/machine/object.ts';
import { createMachine } from '../../src/platform/create_machine.ts';

const OBJECT = readFileSync(new URL('../objects/parallel.bpf.o', import.meta.url));
const MAX_CPUS = 256;

interface Bench {
  readonly machine: Machine;
  readonly object: BpfObject;
  /** Runs programs by name, one a CPU from 1 on. */
  run(times: number, ...names: readonly string[]): ReturnType<Machine['runParallel']>;
}

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.dispose();
});

function bench(engine: EngineName, rounds: number): Bench {
  const machine = createMachine({ cpus: 8, engine, memoryLimit: 64 << 20 });
  machines.push(machine);
  const object = machine.load(OBJECT, { set: { rounds } });
  expect(object.program('set_up').run().retval).toBe(0);
  return {
    machine,
    object,
    run: (times, ...names) =>
      machine.runParallel(names.map((name, i) => ({ cpu: i + 1, program: object.program(name), times }))),
  };
}

/** What all CPUs counted together. */
function tally(object: BpfObject): { done: number; wrong: number; missed: number } {
  const sums = { done: 0, wrong: 0, missed: 0 };
  for (let cpu = 0; cpu < MAX_CPUS; cpu++) {
    const row = object.globals.get(`tallies[${cpu}]`) as Record<keyof typeof sums, bigint | number>;
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += Number(row[name]);
  }
  return sums;
}

/** Masks that are alive once everything was given back and a grace period has passed. */
function left({ machine, object }: Bench): number {
  object.program('tear_down').run();
  machine.rcu.synchronize({ timeoutMs: 5000 });
  expect(machine.warnings()).toEqual([]);
  expect(machine.rcu.pending).toBe(0);
  return machine.liveObjects().length;
}

const clean = { fault: null, stopped: null, died: null };

describe.each(ENGINE_NAMES)('two CPUs at once, %s', (engine) => {
  const rounds = 1000;
  const times = engine === 'jit' ? 200 : 20;

  it('claim no bit twice, and lose none', async () => {
    const b = bench(engine, rounds);
    const runs = await b.run(times, 'claim', 'claim');
    for (const run of runs) expect(run).toMatchObject({ ...clean, runs: times, retval: rounds });
    const { done, wrong, missed } = tally(b.object);
    expect({ wrong, attempts: done + missed }).toEqual({ wrong: 0, attempts: 2 * times * rounds });
    expect(done).toBeGreaterThan(0);
    expect(b.object.globals.get('shared')).toMatchObject({ cpus: '', refs: 1 });
    expect(left(b)).toBe(0);
  });

  it('change their own bits of one word undisturbed', async () => {
    const b = bench(engine, rounds);
    await b.run(times, 'own_bit', 'own_bit', 'own_bit');
    expect(tally(b.object)).toEqual({ done: 3 * 2 * times * rounds, wrong: 0, missed: 0 });
    expect(left(b)).toBe(0);
  });

  it('hand masks to each other; memory is back after a grace period', async () => {
    const b = bench(engine, rounds);
    await b.run(1, 'exchange', 'exchange');
    b.object.program('tear_down').run();
    b.machine.rcu.synchronize();
    const before = b.machine.memory.u32At(MM_BYTES);
    for (const run of await b.run(times, 'exchange', 'exchange')) expect(run).toMatchObject(clean);
    const { wrong, done } = tally(b.object);
    expect(wrong).toBe(0);
    expect(done).toBeGreaterThan(times * rounds);
    expect(left(b)).toBe(0);
    // Free lists of the CPUs keep some; it does not grow with what was done.
    expect(b.machine.memory.u32At(MM_BYTES)).toBeLessThan(before + (256 << 10));
  });

  it('read what others replace; grace periods end meanwhile', async () => {
    const b = bench(engine, rounds);
    const completed = b.machine.rcu.completed;
    const runs = await b.run(times, 'publish', 'read');
    for (const run of runs) expect(run).toMatchObject(clean);
    expect(tally(b.object).wrong).toBe(0);
    expect(b.machine.rcu.completed).toBeGreaterThan(completed + 10);
    expect(left(b)).toBe(0);
  });

  it('exclude each other with a bpf_spin_lock', async () => {
    const b = bench(engine, rounds);
    await b.run(times, 'locked', 'locked');
    expect(b.object.program('total').run().retval).toBe(2 * times * rounds);
  });

  it('go on when one overruns its budget in a read section', async () => {
    const b = bench(engine, rounds);
    const [stuck, fine] = await b.machine.runParallel([
      { cpu: 1, program: b.object.program('hang'), budget: 5_000_000 },
      { cpu: 2, program: b.object.program('exchange'), times },
    ]);
    expect(stuck).toMatchObject({ runs: 1, died: null, fault: { kind: 'budget' } });
    expect(fine).toMatchObject({ ...clean, runs: times });
    // Its read section is over: what others freed comes back.
    expect(left(b)).toBe(0);
    expect((await b.run(1, 'claim', 'claim')).map(({ runs }) => runs)).toEqual([1, 1]);
  });

  it('go on when one overruns its time', async () => {
    const b = bench(engine, rounds);
    const [stuck, fine] = await b.machine.runParallel(
      [
        { cpu: 1, program: b.object.program('hang') },
        { cpu: 2, program: b.object.program('claim') },
      ],
      { timeLimitMs: 500 },
    );
    expect(stuck).toMatchObject({ died: null, stopped: null, fault: { kind: 'time-limit' } });
    expect(fine).toMatchObject(clean);
    expect(left(b)).toBe(0);
  });

  it('say that time was up between two runs', async () => {
    const b = bench(engine, 1);
    const job = { cpu: 1, program: b.object.program('claim'), times: 1e9 };
    const [run] = await b.machine.runParallel([job], { timeLimitMs: 100 });
    expect(run).toMatchObject({ fault: null, died: null, stopped: 'time-limit' });
    expect(run?.runs).toBeGreaterThan(0);
    expect(run?.runs).toBeLessThan(1e9);
    await expect(b.machine.runParallel([job], { timeLimitMs: -5 })).rejects.toThrow(/timeLimitMs.*from 1 on/);
    await expect(b.machine.runParallel([{ ...job, budget: 1.5 }])).rejects.toThrow(/budget.*whole number/);
    expect(left(b)).toBe(0);
  });
});
