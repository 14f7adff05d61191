/** Simulated CPUs as real threads on one memory. */
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import {
  ALLOC_BPF_CPUMASK,
  ALLOC_BUFFER,
  M_RCU_LOCK,
  MM_LOCK,
  OBJ_LIVE,
  OBJ_RCU,
  RCU_KFREE,
} from '../../assembly/layout.ts';
import type { KernelMemory } from '../../src/kernel/memory.ts';
import { createRcu } from '../../src/kernel/rcu.ts';
import { readWarnings } from '../../src/kernel/warnings.ts';
import { testMemory } from '../support/memory.ts';

interface Job {
  readonly job: 'claim' | 'neighbours' | 'publish' | 'read' | 'share' | 'references' | 'call';
  readonly times: number;
  readonly args?: Readonly<Record<string, number | string | readonly number[]>>;
}

type Result = Readonly<Record<string, number>>;

/** Runs each job on a worker and a CPU of its own; cells is scratch memory of the machine. */
async function run(memory: KernelMemory, cells: number, jobs: readonly Job[]): Promise<readonly Result[]> {
  const { memory: shared, module } = memory.share();
  return Promise.all(
    jobs.map((job, i) => {
      const cpu = i + 1;
      const worker = new Worker('./test/parallel/worker.mjs', {
        workerData: { memory: shared, module, percpu: memory.percpu(cpu), cpu, cells, workers: jobs.length, ...job },
      });
      return new Promise<Result>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }),
  );
}

function machine() {
  const memory = testMemory({ cpus: 64, nrCpus: 64 });
  return { memory, exports: memory.exports, cells: memory.kmalloc(1024, ALLOC_BUFFER) };
}

const masksOf = (memory: KernelMemory, ...states: number[]) =>
  [...memory.objects()].filter((object) => object.tag === ALLOC_BPF_CPUMASK && states.includes(object.state));

it('no bit is claimed twice, none is lost', async () => {
  const { memory, exports, cells } = machine();
  const mask = exports.bpf_cpumask_create();
  const times = 400_000;
  const results = await run(
    memory,
    cells,
    [1, 2].map(() => ({ job: 'claim', times, args: { mask, bits: 3 } })),
  );
  for (const { wrong, claimed } of results) {
    expect(wrong).toBe(0);
    expect(claimed).toBeGreaterThan(times / 10);
  }
  expect(exports.bpf_cpumask_empty(mask)).toBe(1);
});

it('bits of one word that different CPUs change do not disturb each other', async () => {
  const { memory, exports, cells } = machine();
  const mask = exports.bpf_cpumask_create();
  const results = await run(
    memory,
    cells,
    [1, 2].map(() => ({ job: 'neighbours', times: 300_000, args: { mask } })),
  );
  expect(results.map(({ wrong }) => wrong)).toEqual([0, 0]);
  expect(exports.bpf_cpumask_empty(mask)).toBe(1);
});

it('a reader never sees a mask that was freed, while grace periods go on', async () => {
  const { memory, exports, cells } = machine();
  const [, reader = {}] = await run(memory, cells, [
    { job: 'publish', times: 50_000 },
    { job: 'read', times: 50_000 },
  ]);
  expect(reader.wrong).toBe(0);
  exports.bpf_cpumask_release(memory.u32At(cells + 4));
  const rcu = createRcu(memory);
  expect(rcu.completed).toBeGreaterThan(10);
  for (const cpu of [0, 1, 2]) rcu.runIrqWork(cpu);
  rcu.synchronize({ timeoutMs: 1000 });
  expect(masksOf(memory, OBJ_LIVE, OBJ_RCU)).toEqual([]);
  expect(readWarnings(memory)).toEqual([]);
});

it('references to one mask that CPUs share are all counted', async () => {
  const { memory, exports, cells } = machine();
  const mask = exports.bpf_cpumask_create();
  await run(
    memory,
    cells,
    [1, 2].map(() => ({ job: 'share', times: 300_000, args: { mask } })),
  );
  expect(memory.u32At(mask + 8)).toBe(1);
  expect(readWarnings(memory)).toEqual([]);
});

it('references that pass between CPUs balance, and memory comes back', async () => {
  const { memory, exports, cells } = machine();
  await run(
    memory,
    cells,
    [1, 2].map(() => ({ job: 'references', times: 200_000 })),
  );
  const left = memory.u32At(cells + 4);
  expect(memory.u32At(left + 8)).toBe(1);
  exports.bpf_cpumask_release(left);
  const rcu = createRcu(memory);
  for (const cpu of [0, 1, 2]) rcu.runIrqWork(cpu);
  rcu.synchronize({ timeoutMs: 1000 });
  expect(masksOf(memory, OBJ_LIVE, OBJ_RCU)).toEqual([]);
  expect(readWarnings(memory)).toEqual([]);
});

it.each<[string, number, (memory: KernelMemory) => readonly number[]]>([
  ['kmalloc', MM_LOCK, () => [100, ALLOC_BUFFER]],
  ['kfree', MM_LOCK, (memory) => [memory.kmalloc(100, ALLOC_BUFFER)]],
  ['kfree_bulk', MM_LOCK, (memory) => [memory.kmalloc(100, ALLOC_BUFFER)]],
  ['kmalloc_cached_bulk', MM_LOCK, (memory) => [memory.kmalloc(8, ALLOC_BUFFER), 100, ALLOC_BUFFER, 1]],
  ['call_rcu', M_RCU_LOCK, (memory) => [memory.kmalloc(100, ALLOC_BUFFER), RCU_KFREE]],
])('%s waits for the CPU that holds its lock', async (name, lock, argsOf) => {
  const { memory, cells } = machine();
  const args = argsOf(memory);
  memory.setU32(lock, 8);
  const done = run(memory, cells, [{ job: 'call', times: 1, args: { name, args } }]);
  const words = new Int32Array(memory.memory.buffer);
  const [entered, left] = [(cells >> 2) + 3, (cells >> 2) + 4];
  while (Atomics.load(words, entered) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  // Long enough for a call that does not wait; one that does is told to go on, however late it comes.
  Atomics.wait(words, left, 0, 100);
  expect(Atomics.load(words, left)).toBe(0);
  Atomics.store(words, lock >> 2, 0);
  await done;
  expect(Atomics.load(words, left)).toBe(1);
});
