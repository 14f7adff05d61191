/**
 * Two threads that claim and give back bits of one word: ours, two native threads, and typedfastbitset behind a lock. Every thread
 * is bound to a CPU of its own: two that share one for a while find the word in their cache, and look faster than they are.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createMachine } from '../src/platform/create_machine.ts';
import { getAffinity, setAffinity } from '../src/platform/node/sched_affinity.ts';
import { whyUnbound } from '../test/support/affinity.ts';
import { type Figure, type Measured, median } from './figures.ts';
import { table } from './table.ts';

const WORKERS = 2;
/** Operations of both together in one measurement. */
const OPERATIONS = 10_000_000;
/** Operations that the program has unrolled, and how often it does them in one read section. */
const UNROLLED = 16;
const SECTIONS = [1, 10];
const REPEATS = 15;
/** CPUs of our machine: bits of the word. */
const CPUS = 64;

/** Milliseconds of one measurement, and how many bits were not as they had to be. */
interface Sample {
  readonly ms: number;
  readonly lost: number;
}

/** CPUs for the threads, one each; null where they cannot be bound, or there are not enough. */
function ownCpus(): number[] | null {
  const cpus = whyUnbound() ? [] : [...getAffinity()].slice(0, WORKERS);
  return cpus.length === WORKERS ? cpus : null;
}

const threadIds = () => readdirSync('/proc/self/task').map(Number);

/** Binds the threads that `start` starts, one CPU after the other. */
async function bound<T>(cpus: readonly number[] | null, start: () => Promise<T>): Promise<T> {
  if (!cpus) return start();
  const before = new Set(threadIds());
  const result = await start();
  const started = threadIds().filter((id) => !before.has(id));
  for (const [at, id] of started.entries()) setAffinity([cpus[at % WORKERS] as number], id);
  return result;
}

const NATIVE = `
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static unsigned long word __attribute__((aligned(64)));
static long lost[${WORKERS}];
static int cpu[${WORKERS}];
static pthread_barrier_t begin;
static void *run(void *arg)
{
	long me = (long)arg, wrong = 0;
	unsigned long bit = 1UL << me;
	cpu_set_t own;
	if (cpu[me] >= 0) {
		CPU_ZERO(&own);
		CPU_SET(cpu[me], &own);
		if (sched_setaffinity(0, sizeof(own), &own)) exit(1);
	}
	pthread_barrier_wait(&begin);
	for (long i = 0; i < ${OPERATIONS / WORKERS / 2}; i++) {
		wrong += !!(__atomic_fetch_or(&word, bit, __ATOMIC_SEQ_CST) & bit);
		wrong += !(__atomic_fetch_and(&word, ~bit, __ATOMIC_SEQ_CST) & bit);
	}
	lost[me] = wrong;
	return 0;
}
int main(int argc, char **argv)
{
	pthread_t threads[${WORKERS}];
	struct timespec a, b;
	long sum = 0;
	pthread_barrier_init(&begin, 0, ${WORKERS + 1});
	for (long i = 0; i < ${WORKERS}; i++) {
		cpu[i] = argc > i + 1 ? atoi(argv[i + 1]) : -1;
		pthread_create(&threads[i], 0, run, (void *)i);
	}
	pthread_barrier_wait(&begin);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < ${WORKERS}; i++) pthread_join(threads[i], 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	for (long i = 0; i < ${WORKERS}; i++) sum += lost[i];
	printf("%f %ld\\n", (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6, sum);
}`;

/** Compiles the native threads; null where there is no gcc. */
function native(folder: string, cpus: readonly number[] | null): (() => Promise<Sample>) | null {
  const [source, program] = [join(folder, 'native.c'), join(folder, 'native')];
  writeFileSync(source, NATIVE);
  if (spawnSync('gcc', ['-O2', '-pthread', source, '-o', program]).status !== 0) return null;
  return async () => {
    const { status, stdout } = spawnSync(program, cpus?.map(String) ?? [], { encoding: 'utf8' });
    if (status !== 0) throw new Error('the native threads failed');
    const [ms = 0, lost = 0] = stdout.split(' ').map(Number);
    return { ms, lost };
  };
}

/** @param repeats - how often the unrolled operations are done in one read section */
function ours(repeats: number): { measure: () => Promise<Sample>; end: () => void } {
  const machine = createMachine({ cpus: CPUS, engine: 'jit' });
  const bytes = readFileSync(new URL('bench/parallel.bpf.o', PACKAGE_ROOT));
  const rounds = OPERATIONS / WORKERS / UNROLLED / repeats;
  const object = machine.load(bytes, { set: { rounds, repeats } });
  object.program('set_up').run();
  const program = object.program('claim');
  const measure = async () => {
    const runs = await machine.runParallel([0, 1].map((cpu) => ({ cpu, program })));
    const lost = [0, 1].map((cpu) => Number(object.globals.get(`lost[${cpu}].count`)));
    return {
      ms: Math.max(...runs.map(({ durationNs }) => durationNs)) / 1e6,
      lost: lost.reduce((sum, n) => sum + n, 0) + runs.filter(({ fault, died }) => fault || died).length,
    };
  };
  return { measure, end: () => machine.dispose() };
}

/** A thread of the bit set's: it spins for the lock with Atomics, as one would without these kfuncs. */
const LOCKED = `
const { parentPort, workerData: { shared, me, times } } = require('node:worker_threads');
import('typedfastbitset').then(({ TypedFastBitSet }) => {
  const words = new Int32Array(shared);
  const set = new TypedFastBitSet();
  set.words = new Uint32Array(shared, 64);
  const lock = () => { while (Atomics.compareExchange(words, 0, 0, 1) !== 0); };
  const unlock = () => Atomics.store(words, 0, 0);
  parentPort.postMessage('ready');
  Atomics.wait(words, 4, 0);
  const begin = performance.now();
  let lost = 0;
  for (let i = 0; i < times; i++) {
    lock(); if (set.has(me)) lost++; set.add(me); unlock();
    lock(); if (!set.has(me)) lost++; set.remove(me); unlock();
  }
  parentPort.postMessage({ ms: performance.now() - begin, lost });
});`;

async function locked(cpus: readonly number[] | null): Promise<Sample> {
  const before = cpus && getAffinity();
  const shared = new SharedArrayBuffer(128);
  let waiting = WORKERS;
  const results = await Promise.all(
    Array.from({ length: WORKERS }, (_, me) => {
      // A thread inherits where its creator may run.
      if (cpus) setAffinity([cpus[me] as number]);
      const worker = new Worker(LOCKED, { eval: true, workerData: { shared, me, times: OPERATIONS / WORKERS / 2 } });
      if (before) setAffinity(before);
      return new Promise<Sample>((resolve, reject) => {
        worker.once('error', reject);
        worker.on('message', (message: 'ready' | Sample) => {
          if (message !== 'ready') return resolve(message);
          if (--waiting > 0) return;
          const words = new Int32Array(shared);
          Atomics.store(words, 4, 1);
          Atomics.notify(words, 4);
        });
      });
    }),
  );
  return {
    ms: Math.max(...results.map(({ ms }) => ms)),
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
  };
}

/** One of those that are compared. */
interface Side {
  readonly name: string;
  readonly engine: string;
  readonly measure: () => Promise<Sample>;
}

/** What was measured of each side, in nanoseconds an operation. */
function summary(sides: readonly Side[], times: readonly number[], lost: readonly number[]): Measured {
  const ns = times.map((ms) => (ms * 1e6) / OPERATIONS);
  const c = ns[sides.findIndex(({ engine }) => engine === 'c')];
  const own = sides.flatMap(({ engine }, i) => (engine === 'jit' ? [ns[i] as number] : []));
  const figures = sides.map(({ name, engine }, i): Figure => {
    const mine = ns[i] as number;
    const vsC = c === undefined ? null : mine / c;
    return { group: 'parallel', name, engine, cpus: CPUS, ns: mine, vsKernel: null, vsC };
  });
  const rows = figures.map(({ name, ns: each }, i) => [
    ...[name, (1000 / each).toFixed(1), ...own.map((mine) => (each / mine).toFixed(2)), `${lost[i]}`],
  ]);
  const heading = ['', 'M operations/s', ...SECTIONS.map((repeats) => `of our ${UNROLLED * repeats}`), 'lost'];
  return { figures, table: table([heading, ...rows]) };
}

export async function benchParallel(): Promise<Measured> {
  const cpus = ownCpus();
  console.error(
    cpus ? `threads bound to CPUs ${cpus.join(' and ')}` : 'threads not bound: two of them may share a CPU',
  );
  const folder = mkdtempSync(join(tmpdir(), 'bpf-cpumask-'));
  const mine = SECTIONS.map((repeats) => ({
    ...{ name: `workers, ${UNROLLED * repeats} a section`, engine: 'jit' },
    ...ours(repeats),
  }));
  try {
    const sides: Side[] = [...mine];
    const gcc = native(folder, cpus);
    if (gcc) sides.push({ name: 'native threads, gcc -O2', engine: 'c', measure: gcc });
    else console.error('no gcc here: not beside native threads');
    sides.push({
      ...{ name: 'typedfastbitset, Atomics lock', engine: 'typedfastbitset' },
      measure: () => locked(cpus),
    });
    for (const { measure } of mine) {
      await bound(cpus, measure);
      await measure(); // compiled code has replaced baseline code
    }
    const times = sides.map((): number[] => []);
    const lost = sides.map(() => 0);
    for (let i = 0; i < REPEATS; i++) {
      for (const [at, { measure }] of sides.entries()) {
        const measured = await measure();
        times[at]?.push(measured.ms);
        lost[at] = (lost[at] ?? 0) + measured.lost;
      }
    }
    return summary(sides, times.map(median), lost);
  } finally {
    for (const { end } of mine) end();
    rmSync(folder, { recursive: true, force: true });
  }
}
