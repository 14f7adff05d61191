/**
 * Mutated objects until stopped: npm run fuzz -- [--seed N] [--count N] [--from N] [--shard I/N]
 * [--json]. A process of their own runs
 * the cases; this one sees to it that each ends in a second and in bounded memory. Failures are shrunk and saved in
 * .cache/fuzz; with one the exit status is 1.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseOptions, runScript, wholeNumber } from '../../scripts/script.ts';
import { parseShard } from '../../src/report/shards.ts';
import { bytesOf, type FuzzCase, type FuzzWorld, makeCase, OUTCOMES, type Outcome, runObject } from './case.ts';
import { type Job, runCases } from './child.ts';
import { type FuzzResult, runOptions } from './result.ts';
import { type Limits, runJob } from './watch.ts';
import { fuzzWorld } from './world.ts';

const root = typeof PACKAGE_ROOT === 'string' ? fileURLToPath(PACKAGE_ROOT) : process.cwd();
const FAILURES = join(root, '.cache/fuzz');
const CPU_MS = 1000;
const MAX_MEMORY = 512 << 20;
/** A busy machine lets a process wait: wall time only stops what hangs. Alone again, the case has to end in CPU_MS. */
const TOGETHER: Limits = { wallMs: 5000, cpuMs: CPU_MS, memory: MAX_MEMORY };
const ALONE: Limits = { wallMs: 30_000, cpuMs: CPU_MS, memory: MAX_MEMORY };
/** Cases of one process. */
const BATCH = 2000;

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

/** Gives the failure in one line. */
function save(one: FuzzCase, why: string): string {
  mkdirSync(FAILURES, { recursive: true });
  const name = join(FAILURES, `case-${one.number}`);
  writeFileSync(`${name}.bpf.o`, bytesOf(one));
  writeFileSync(`${name}.txt`, `${one.seed.name}\n${one.mutations.map((step) => step.name).join('\n')}\n\n${why}\n`);
  return `case ${one.number} of ${one.seed.name}: ${why.split('\n')[0]}; saved as ${name}.bpf.o`;
}

const USAGE = 'npm run fuzz -- [--seed N] [--count N] [--from N] [--shard I/N] [--json]';

class Tally {
  readonly outcomes = new Map<Outcome, number>();
  cases = 0;
  readonly failures: string[] = [];
  /** Over a limit in company, within it alone: a busy machine, or what cases before it had left. */
  cleared = 0;
  slowestMs = 0;
  peak = 0;
  private readonly begin = performance.now();

  result(options: string, shard: string): FuzzResult {
    const counts = { cases: this.cases, 'run again alone': this.cleared, ...Object.fromEntries(this.outcomes) };
    const most = { ms: Math.round(this.slowestMs), MiB: this.peak >> 20 };
    return { fuzz: 'objects', options, shard, counts, most, failures: this.failures };
  }

  toString(): string {
    const parts = OUTCOMES.map((name) => `${this.outcomes.get(name) ?? 0} ${name}`).join(', ');
    const rate = Math.round(this.cases / ((performance.now() - this.begin) / 1000));
    const limits = `slowest ${Math.round(this.slowestMs)} ms, peak ${this.peak >> 20} MiB, ${this.cleared} run again alone`;
    return `${this.cases} cases (${rate}/s): ${parts}; ${this.failures.length} failures; ${limits}`;
  }
}

async function main(): Promise<number> {
  const { values } = parseOptions({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string' },
      from: { type: 'string', default: '0' },
      shard: { type: 'string', default: '0/1' },
      json: { type: 'boolean', default: false },
    },
  });
  const say = values.json ? console.error : console.log;
  const seed = wholeNumber('seed', values.seed);
  const { index, count: step } = parseShard(values.shard);
  const first = wholeNumber('from', values.from);
  const end = first + (values.count === undefined ? Number.POSITIVE_INFINITY : wholeNumber('count', values.count));
  const tally = new Tally();
  const failed = (one: FuzzCase, why: string) => {
    const line = save(one, why);
    tally.failures.push(line);
    say(line);
  };
  const world = fuzzWorld(root);
  const run = async (job: Job, limits: Limits) => {
    const result = await runJob(fileURLToPath(import.meta.url), job, limits);
    for (const { outcome, cpuMs, peak } of result.ended) {
      tally.outcomes.set(outcome, (tally.outcomes.get(outcome) ?? 0) + 1);
      tally.slowestMs = Math.max(tally.slowestMs, cpuMs);
      tally.peak = Math.max(tally.peak, peak);
    }
    tally.cases += result.ended.length + result.failed.length;
    for (const { number, why } of result.failed) failed(shrink(world, makeCase(world, seed, number)), why);
    return result.over;
  };
  for (let from = first + index; from < end; ) {
    const to = Math.min(from + BATCH * step, end);
    const suspect = await run({ seed, from, to, step }, TOGETHER);
    if (suspect) {
      const { number } = suspect;
      const over = await run({ seed, from: number, to: number + 1, step }, ALONE);
      if (over) {
        tally.cases++;
        failed(makeCase(world, seed, number), over.why);
      } else tally.cleared++;
    }
    from = suspect ? suspect.number + step : from + BATCH * step;
    say(`${tally}`);
  }
  if (values.json) console.log(JSON.stringify(tally.result(runOptions(values), values.shard)));
  return tally.failures.length === 0 ? 0 : 1;
}

if (process.argv[2] === 'child') {
  await runCases(fuzzWorld(root), JSON.parse(process.argv[3] ?? '') as Job);
  process.disconnect();
} else await runScript(USAGE, main);
