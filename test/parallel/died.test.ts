/** Threads of a parallel run that end in the middle: the machine, and the other CPUs, go on. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MM_LOCK } from '../../assembly/layout.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { ParallelRun, WorkerHandle } from '../../src/machine/parallel.ts';
import { kernelWasm, packageProfile, startWorker, verifierWasm } from '../../src/platform/node/platform.ts';
import { collectParallelRun } from '../../src/report/collect.ts';
import { formatRun, runToJson } from '../../src/report/run.ts';

const OBJECT = readFileSync(new URL('../objects/parallel.bpf.o', import.meta.url));

it('a thread that is killed is reported; its read section is over, and its locks are free', async () => {
  const started: WorkerHandle[] = [];
  using machine = new Machine({
    cpus: 4,
    profile: packageProfile('6.18', undefined),
    wasm: kernelWasm(),
    verifierWasm,
    engine: 'jit',
    startWorker: () => {
      const handle = startWorker();
      started.push(handle);
      return handle;
    },
  });
  const object = machine.load(OBJECT, { set: { rounds: 1000 } });
  object.program('set_up').run();
  const both = machine.runParallel([
    { cpu: 1, program: object.program('hang') },
    { cpu: 2, program: object.program('exchange'), times: 50 },
  ]);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  // As if it had died inside of the allocator.
  machine.memory.on(1, () => machine.memory.exports.raw_spin_lock(MM_LOCK));
  expect(() => object.program('claim').run()).toThrow('a parallel run goes on');
  started[0]?.end();
  const [dead, alive] = await both;
  expect(dead?.died).toMatch(/its thread ended with status/);
  const report = collectParallelRun(machine, dead as ParallelRun, { firstWarning: 0, reader: 'people' });
  const unknown = { retval: null, times: null, insns: null, durationNs: null };
  expect(runToJson(report)).toMatchObject({ ...unknown, program: 'hang', cpu: 1, fault: null, died: dead?.died });
  expect(formatRun(report, (_, text) => text, false)).toBe(`hang  syscall  ${dead?.died}\n  on CPU 1 (jit)\n`);
  expect(alive).toMatchObject({ runs: 50, fault: null, died: null });
  expect(machine.memory.u32At(MM_LOCK)).toBe(0);
  object.program('tear_down').run();
  machine.rcu.synchronize({ timeoutMs: 5000 });
  expect(machine.liveObjects()).toEqual([]);
  const again = await machine.runParallel([1, 2].map((cpu) => ({ cpu, program: object.program('exchange') })));
  expect(again.map(({ died, fault }) => [died, fault])).toEqual([
    [null, null],
    [null, null],
  ]);
});
