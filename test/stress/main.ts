/**
 * Parallel stress until the time is over, or so many operations are done. Ends with status 1 at the first wrong bit, lost reference,
 * warning, fault, or growth of memory.
 */
import { oneOf, parseOptions, runScript, wholeNumber } from '../../scripts/script.ts';
import { ENGINE_NAMES, type EngineName } from '../../src/engine/engines.ts';
import { InputError } from '../../src/errors.ts';
import { operationsOf, type Stressed, stress } from './stress.ts';

const USAGE = `npm run stress -- [--minutes N | --operations N] [--workers N] [--engine ${ENGINE_NAMES.join('|')}]
  one minute, two workers and the JIT where nothing is said`;

/** Rounds of a run, and runs of a program in a batch. */
const ROUNDS = 10_000;
const TIMES: Readonly<Record<EngineName, number>> = { jit: 50, interp: 5 };
/** With --operations: runs of a batch, so that there are some batches after the warm-up. */
const FEW_TIMES: Readonly<Record<EngineName, number>> = { jit: 10, interp: 1 };
/** Batches at the least: memory is compared with what it was after the warm-up. */
const LEAST_BATCHES = 40;
const MAX_WORKERS = 64;
const MAX_MINUTES = 60 * 24 * 30;

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (text.trim() && minutes > 0 && minutes <= MAX_MINUTES) return minutes;
  throw new InputError('--minutes', '', `"${text}" is not a number up to ${MAX_MINUTES}`);
}

function workersOf(text: string): number {
  const workers = wholeNumber('workers', text, 1);
  if (workers <= MAX_WORKERS) return workers;
  throw new InputError('--workers', '', `"${text}" is more than ${MAX_WORKERS}`);
}

function report(so: Stressed, peak: number): void {
  console.log(
    `${new Date().toISOString()} ${so.batches} batches, ${operationsOf(so)} operations done, ${so.missed} refused, ` +
      `${so.gracePeriods} grace periods, ${so.bytes >> 10} KiB (${so.warm >> 10} after warm-up), rss ${peak >> 20} MiB`,
  );
}

await runScript(USAGE, async () => {
  const { values } = parseOptions({
    options: {
      minutes: { type: 'string' },
      operations: { type: 'string' },
      workers: { type: 'string', default: '2' },
      engine: { type: 'string', default: 'jit' },
    },
  });
  const engine = oneOf('--engine', values.engine, ENGINE_NAMES);
  const workers = workersOf(values.workers);
  const operations = values.operations === undefined ? null : wholeNumber('operations', values.operations, 1);
  if (operations !== null && values.minutes !== undefined) {
    throw new InputError('--minutes', '', 'cannot be had together with --operations');
  }
  const minutes = minutesOf(values.minutes ?? '1');
  const end = performance.now() + minutes * 60_000;
  let peak = 0;
  const so = await stress({
    ...{ engine, workers, rounds: ROUNDS, times: (operations === null ? TIMES : FEW_TIMES)[engine] },
    enough: (now) =>
      operations === null ? performance.now() >= end : now.batches >= LEAST_BATCHES && operationsOf(now) >= operations,
    after: (_machine, _object, now) => {
      peak = Math.max(peak, process.memoryUsage().rss);
      if (now.batches % 500 === 0) report(now, peak);
    },
  });
  report(so, peak);
  const done = Object.entries(so.done).map(([name, count]) => `${count} ${name}`);
  const what = operations === null ? `${minutes} minutes` : done.join(', ');
  console.log(so.wrong ?? `${what}; ${workers} workers, ${engine}: nothing wrong, nothing left`);
  return so.wrong ? 1 : 0;
});
