/**
 * Mutated objects until stopped: npm run fuzz -- [--seed N] [--count N] [--from N]. A worker runs the cases; this thread sees
 * to it that each ends in a second and in bounded memory. Failures are shrunk and saved in .cache/fuzz.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { bytesOf, type FuzzCase, type FuzzWorld, makeCase, OUTCOMES, runObject } from './case.ts';
import { fuzzWorld } from './world.ts';

const root = typeof PACKAGE_ROOT === 'string' ? fileURLToPath(PACKAGE_ROOT) : process.cwd();
const FAILURES = join(root, '.cache/fuzz');
/** A case may take this long; one that does not end is run again alone, so that a busy machine is not taken for a hang. */
const LIMIT_MS = 1000;
const RETRY_MS = 4000;
const MAX_RSS = 512 << 20;

interface Job {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

type Message =
  | { readonly kind: 'started'; readonly number: number }
  | { readonly kind: 'done'; readonly counts: readonly number[]; readonly slowest: number }
  | { readonly kind: 'failed'; readonly number: number; readonly text: string };

function work({ seed, from, to }: Job): void {
  const world = fuzzWorld(root);
  const counts = OUTCOMES.map(() => 0);
  let slowest = 0;
  for (let number = from; number < to; number++) {
    parentPort?.postMessage({ kind: 'started', number } satisfies Message);
    const one = makeCase(world, seed, number);
    const begin = performance.now();
    try {
      const at = OUTCOMES.indexOf(runObject(world, bytesOf(one), one.seed.name));
      counts[at] = (counts[at] ?? 0) + 1;
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      parentPort?.postMessage({ kind: 'failed', number, text } satisfies Message);
    }
    slowest = Math.max(slowest, performance.now() - begin);
  }
  parentPort?.postMessage({ kind: 'done', counts, slowest } satisfies Message);
}

/** Drops the mutations that a failure does not need. */
function shrink(world: FuzzWorld, one: FuzzCase): FuzzCase {
  const fails = (candidate: FuzzCase) => {
    try {
      runObject(world, bytesOf(candidate), candidate.seed.name);
      return false;
    } catch {
      return true; // whatever it throws is the failure
    }
  };
  let smallest = one;
  for (let i = smallest.mutations.length - 1; i >= 0; i--) {
    const candidate = { ...smallest, mutations: smallest.mutations.filter((_, at) => at !== i) };
    if (fails(candidate)) smallest = candidate;
  }
  return smallest;
}

function save(one: FuzzCase, why: string): void {
  mkdirSync(FAILURES, { recursive: true });
  const name = join(FAILURES, `case-${one.number}`);
  writeFileSync(`${name}.bpf.o`, bytesOf(one));
  writeFileSync(`${name}.txt`, `${one.seed.name}\n${one.mutations.map((step) => step.name).join('\n')}\n\n${why}\n`);
  console.log(`case ${one.number} of ${one.seed.name}: ${why.split('\n')[0]}\n  saved as ${name}.bpf.o`);
}

/** Runs cases in a worker; resolves with the number of a case that hung, or null at the end of the job. */
function runJob(job: Job, limit: number, totals: number[], failures: Map<number, string>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
    let current = job.from;
    let since = Number.POSITIVE_INFINITY;
    const watch = setInterval(() => {
      if (performance.now() - since > limit) {
        clearInterval(watch);
        // First, since its end would be taken for that of the job.
        resolve(current);
        void worker.terminate();
      }
      if (process.memoryUsage().rss > MAX_RSS)
        failures.set(current, `memory grew to ${process.memoryUsage().rss >> 20} MiB`);
    }, 100);
    worker.on('message', (message: Message) => {
      if (message.kind === 'started') {
        current = message.number;
        since = performance.now();
      } else if (message.kind === 'failed') failures.set(message.number, message.text);
      else {
        clearInterval(watch);
        resolve(null);
        message.counts.forEach((count, i) => {
          totals[i] = (totals[i] ?? 0) + count;
        });
      }
    });
    worker.on('error', (error) => {
      clearInterval(watch);
      reject(error);
    });
    worker.on('exit', (code) => {
      clearInterval(watch);
      reject(new Error(`the worker ended with ${code} in case ${current}`));
    });
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: 'Infinity' },
      from: { type: 'string', default: '0' },
    },
  });
  const seed = Number(values.seed);
  const first = Number(values.from);
  const end = first + Number(values.count);
  const totals = OUTCOMES.map(() => 0);
  const failures = new Map<number, string>();
  let saved = 0;
  const world = fuzzWorld(root);
  const begin = performance.now();
  for (let from = first; from < end; ) {
    const to = Math.min(from + 2000, end);
    const hung = await runJob({ seed, from, to }, LIMIT_MS, totals, failures);
    if (hung !== null) {
      const again = await runJob({ seed, from: hung, to: hung + 1 }, RETRY_MS, totals, failures);
      if (again !== null) {
        saved++;
        save(makeCase(world, seed, hung), `took more than ${LIMIT_MS} ms`);
      }
    }
    for (const [number, why] of failures) {
      saved++;
      save(shrink(world, makeCase(world, seed, number)), why);
    }
    failures.clear();
    from = hung === null ? to : hung + 1;
    const parts = OUTCOMES.map((name, i) => `${totals[i]} ${name}`).join(', ');
    const rate = Math.round((from - first) / ((performance.now() - begin) / 1000));
    console.log(
      `${from - first} cases (${rate}/s): ${parts}; ${saved} failures, ${process.memoryUsage().rss >> 20} MiB`,
    );
  }
  return saved === 0 ? 0 : 1;
}

if (isMainThread) process.exitCode = await main();
else work(workerData as Job);
