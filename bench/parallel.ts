/** Two threads that claim and give back bits of one word: ours, two native threads, and typedfastbitset behind a lock. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createMachine } from '../src/platform/create_machine.ts';

const WORKERS = 2;
/** Operations of both together in one measurement. */
const OPERATIONS = 10_000_000;
const OPS_A_ROUND = 16;
const REPEATS = 5;

/** Milliseconds of one measurement, and how many bits were not as they had to be. */
interface Measured {
  readonly ms: number;
  readonly lost: number;
}

const NATIVE = `
#include <pthread.h>
#include <stdio.h>
#include <time.h>
static unsigned long word;
static long lost[${WORKERS}];
static void *run(void *arg)
{
	long me = (long)arg, wrong = 0;
	unsigned long bit = 1UL << me;
	for (long i = 0; i < ${OPERATIONS / WORKERS / 2}; i++) {
		wrong += !!(__atomic_fetch_or(&word, bit, __ATOMIC_SEQ_CST) & bit);
		wrong += !(__atomic_fetch_and(&word, ~bit, __ATOMIC_SEQ_CST) & bit);
	}
	lost[me] = wrong;
	return 0;
}
int main(void)
{
	pthread_t threads[${WORKERS}];
	struct timespec a, b;
	long sum = 0;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < ${WORKERS}; i++) pthread_create(&threads[i], 0, run, (void *)i);
	for (long i = 0; i < ${WORKERS}; i++) pthread_join(threads[i], 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	for (long i = 0; i < ${WORKERS}; i++) sum += lost[i];
	printf("%f %ld\\n", (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6, sum);
}`;

/** Compiles the native threads; null where there is no gcc. */
function native(folder: string): (() => Promise<Measured>) | null {
  const [source, program] = [join(folder, 'native.c'), join(folder, 'native')];
  writeFileSync(source, NATIVE);
  if (spawnSync('gcc', ['-O2', '-pthread', source, '-o', program]).status !== 0) return null;
  return async () => {
    const [ms = 0, lost = 0] = spawnSync(program, { encoding: 'utf8' }).stdout.split(' ').map(Number);
    return { ms, lost };
  };
}

function ours(): { measure: () => Promise<Measured>; end: () => void } {
  const machine = createMachine({ cpus: 64, engine: 'jit' });
  const bytes = readFileSync(new URL('bench/parallel.bpf.o', PACKAGE_ROOT));
  const object = machine.load(bytes, { set: { rounds: OPERATIONS / WORKERS / OPS_A_ROUND } });
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

async function locked(): Promise<Measured> {
  const shared = new SharedArrayBuffer(128);
  let waiting = WORKERS;
  const results = await Promise.all(
    Array.from({ length: WORKERS }, (_, me) => {
      const worker = new Worker(LOCKED, { eval: true, workerData: { shared, me, times: OPERATIONS / WORKERS / 2 } });
      return new Promise<Measured>((resolve, reject) => {
        worker.once('error', reject);
        worker.on('message', (message: 'ready' | Measured) => {
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

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[list.length >> 1] as number;

export async function benchParallel(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bpf-cpumask-'));
  const mine = ours();
  try {
    const gcc = native(folder);
    const sides: [string, () => Promise<Measured>][] = [['workers, jit', mine.measure]];
    if (gcc) sides.push(['native threads, gcc -O2', gcc]);
    else console.log('no gcc here: not beside native threads');
    sides.push(['typedfastbitset, Atomics lock', locked]);
    await mine.measure(); // compiled code replaces baseline code
    const times = sides.map((): number[] => []);
    const lost = sides.map(() => 0);
    for (let i = 0; i < REPEATS; i++) {
      for (const [at, [, measure]] of sides.entries()) {
        const measured = await measure();
        times[at]?.push(measured.ms);
        lost[at] = (lost[at] ?? 0) + measured.lost;
      }
    }
    const base = median(times[0] ?? []);
    for (const [at, [name]] of sides.entries()) {
      const ms = median(times[at] ?? []);
      const rate = (OPERATIONS / ms / 1000).toFixed(1);
      const ratio = (ms / base).toFixed(2);
      console.log(`${name.padEnd(30)} ${rate.padStart(7)} M operations/s  ${ratio} of our time  ${lost[at]} lost`);
    }
  } finally {
    mine.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
