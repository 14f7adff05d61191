/**
 * Mutated objects until stopped: npm run fuzz -- [--seed N] [--count N] [--from N]. A worker runs the cases; this thread sees
 * to it that each ends in a second and in bounded memory. Failures are shrunk and saved in .cache/fuzz.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { bytesOf, type FuzzCase, type FuzzWorld, makeCase, OUTCOMES, type Outcome, runObject } from './case.ts';
import { fuzzWorld } from './world.ts';

const root = typeof PACKAGE_ROOT === 'string' ? fileURLToPath(PACKAGE_ROOT) : process.cwd();
const FAILURES = join(root, '.cache/fuzz');
/** A case that takes longer is stopped and run again alone, so that a busy machine is not taken for a hang. */
const LIMIT_MS = 2500;
const RETRY_MS = 30_000;
/** CPU time that a case may take alone. */
const CPU_MS = 1000;
const MAX_RSS = 512 << 20;

interface Job {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

type Message =
  | { readonly kind: 'started'; readonly number: number }
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly cpuMs: number }
  | { readonly kind: 'failed'; readonly number: number; readonly text: string }
  | { readonly kind: 'done' };

function work({ seed, from, to }: Job): void {
  const world = fuzzWorld(root);
  const post = (message: Message) => parentPort?.postMessage(message);
  for (let number = from; number < to; number++) {
    post({ kind: 'started', number });
    const one = makeCase(world, seed, number);
    const before = process.cpuUsage();
    try {
      const outcome = runObject(world, bytesOf(one), one.seed.name);
      const { user, system } = process.cpuUsage(before);
      post({ kind: 'ended', outcome, cpuMs: (user + system) / 1000 });
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      post({ kind: 'failed', number, text });
    }
  }
  post({ kind: 'done' });
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

interface Watch {
  readonly limit: number;
  onEnd(message: Extract<Message, { kind: 'ended' }>): void;
  onFailure(number: number, why: string): void;
}

/** Runs cases in a worker; resolves with the number of a case that had to be stopped, or null at the end of the job. */
function runJob(job: Job, watch: Watch): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
    let current = job.from;
    let since = Number.POSITIVE_INFINITY;
    const timer = setInterval(() => {
      const { rss } = process.memoryUsage();
      if (rss > MAX_RSS) watch.onFailure(current, `memory grew to ${rss >> 20} MiB`);
      if (performance.now() - since <= watch.limit) return;
      finish(current);
      void worker.terminate();
    }, 100);
    const finish = (stopped: number | null) => {
      clearInterval(timer);
      resolve(stopped);
    };
    worker.on('message', (message: Message) => {
      if (message.kind === 'started') {
        current = message.number;
        since = performance.now();
      } else if (message.kind === 'ended') watch.onEnd(message);
      else if (message.kind === 'failed') watch.onFailure(message.number, message.text);
      else finish(null);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      clearInterval(timer);
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
  const totals = new Map<Outcome, number>();
  const failures = new Map<number, string>();
  const watch: Watch = {
    limit: LIMIT_MS,
    onEnd: ({ outcome }) => totals.set(outcome, (totals.get(outcome) ?? 0) + 1),
    onFailure: (number, why) => failures.set(number, why),
  };
  let saved = 0;
  const world = fuzzWorld(root);
  const begin = performance.now();
  for (let from = first; from < end; ) {
    const to = Math.min(from + 2000, end);
    const stopped = await runJob({ seed, from, to }, watch);
    if (stopped !== null) {
      const alone: Watch = {
        ...watch,
        limit: RETRY_MS,
        onEnd: (message) => {
          watch.onEnd(message);
          if (message.cpuMs > CPU_MS) failures.set(stopped, `took ${Math.round(message.cpuMs)} ms`);
        },
      };
      const again = await runJob({ seed, from: stopped, to: stopped + 1 }, alone);
      if (again !== null) failures.set(stopped, `did not end in ${RETRY_MS} ms`);
    }
    for (const [number, why] of failures) {
      saved++;
      const one = makeCase(world, seed, number);
      save(why.includes(' ms') || why.startsWith('memory') ? one : shrink(world, one), why);
    }
    failures.clear();
    from = stopped === null ? to : stopped + 1;
    const parts = OUTCOMES.map((name) => `${totals.get(name) ?? 0} ${name}`).join(', ');
    const rate = Math.round((from - first) / ((performance.now() - begin) / 1000));
    console.log(
      `${from - first} cases (${rate}/s): ${parts}; ${saved} failures, ${process.memoryUsage().rss >> 20} MiB`,
    );
  }
  return saved === 0 ? 0 : 1;
}

if (isMainThread) process.exitCode = await main();
else work(workerData as Job);
