/** Explores the interleavings of programs, finds what goes wrong in some of them, and the simplest schedule that shows it. */
import { InputError, invariant } from '../errors.ts';
import { MEMORY_FAILURES } from '../kernel/fault.ts';
import type { BpfObject } from '../machine/object.ts';
import { type FaultPoint, faultRuns } from './faults.ts';
import { type Assertion, type Finding, ScheduleJudge } from './judge.ts';
import { checkOptions } from './options.ts';
import { merge, parseSchedule, scheduleText } from './schedule.ts';
import {
  type ScheduleStep,
  Search,
  type SearchOptions,
  type SearchProgress,
  type SearchResult,
  type Stop,
} from './search.ts';
import { Space, type ThreadSpec } from './space.ts';
import { type TraceStep, traceOf } from './trace.ts';

export interface ExploreOptions {
  readonly threads: readonly ThreadSpec[];
  /** Program that runs at the end of each schedule, alone; anything but 0 is a finding. */
  readonly check?: ThreadSpec | null;
  readonly assertions?: readonly Assertion[];
  /** Allocations that may fail on one path; default 1. */
  readonly failures?: number;
  /** Callbacks that each timer and work item may begin on one path; default 2. */
  readonly callbacks?: number;
  /** Most preemptions on one path; default: any number, and only one of those orders that come to the same. */
  readonly preemptions?: number | null;
  /** False: every order, also those that come to the same. */
  readonly reduce?: boolean;
  /** Schedules at most; default 10 million. */
  readonly limit?: number;
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  /** Called once in a while with how much there is so far; false ends the search. */
  readonly onProgress?: ((schedules: number, findings: number) => boolean) | undefined;
}

export interface ExploredFinding extends Finding {
  readonly schedule: string;
  readonly preemptions: number;
  readonly trace: readonly TraceStep[];
}

/** What was to be tried: see ExploreOptions. */
export interface Bounds {
  readonly preemptions: number | null;
  readonly failures: number;
  readonly callbacks: number;
  readonly limit: number;
  /** Orders that come to the same were left out. */
  readonly reduce: boolean;
}

export interface Exploration {
  readonly bounds: Bounds;
  readonly schedules: number;
  readonly redundant: number;
  readonly steps: number;
  /** Paths that were left because they are too long to go back on. */
  readonly tooLong: number;
  /** Why not all was tried: the limit, as many findings as are kept, `onProgress`; of merged shards, other divisions. */
  readonly stopped: Stop | null;
  /** Every schedule within the bounds was tried. */
  readonly exhausted: boolean;
  /** A timer or work item would have begun more callbacks than it may. */
  readonly cut: boolean;
  /** Of a shard: equal in all shards that divide the space alike. Null: it is the whole. */
  readonly division: string | null;
  readonly durationMs: number;
  readonly findings: readonly ExploredFinding[];
}

const DEFAULT_LIMIT = 10_000_000;
const DEFAULT_CALLBACKS = 2;
/** How often memory may turn out to be shared: each time at least one granule more is. */
const MAX_ROUNDS = 10_000;
/** Preemptions and schedules of the search for a finding's simplest schedule. */
const SIMPLE_PREEMPTIONS = 4;
const SIMPLE_SCHEDULES = 50_000;
/** Steps that are left out one at a time, to see whether a finding needs them. */
const SPARED = 64;

/** Schedules of the whole that each shard tries first: shards divide at the ends of steps, and those are where memory is shared. */
const DIVIDING_SCHEDULES = 10_000;

/** What schedules of `faults` begin with: their `!n` counts every request that can fail, not those of memory alone. */
const EVERY_FAILURE = 'faults,';

export class Explorer {
  readonly #space: Space;
  readonly #judge: ScheduleJudge;
  readonly #options: ExploreOptions;

  /**
   * @param object - loaded into a machine made with the wasm of `instrument`; programs that set it up have run
   * @throws InputError for threads that the machine cannot have, a machine that is not explorable, bounds that are none, and
   * assertions that say nothing of their variable
   */
  constructor(object: BpfObject, options: ExploreOptions) {
    const { threads, check = null, assertions = [], callbacks = DEFAULT_CALLBACKS } = options;
    const machine = checkOptions(options);
    this.#options = options;
    this.#space = new Space(machine, threads, check, callbacks);
    this.#space.mayFail(MEMORY_FAILURES);
    this.#judge = new ScheduleJudge(this.#space, object, assertions);
  }

  run(): Exploration {
    const steps = this.#explore();
    for (let next = steps.next(true); ; next = steps.next(this.#goesOn(next.value))) if (next.done) return next.value;
  }

  /** The same, but everybody else on this thread comes to their turn in between: a signal, a message that it is enough. */
  async runAsync(): Promise<Exploration> {
    const steps = this.#explore();
    for (let next = steps.next(true); ; next = steps.next(this.#goesOn(next.value))) {
      if (next.done) return next.value;
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  #goesOn({ schedules, findings }: SearchProgress): boolean {
    return this.#options.onProgress?.(schedules, findings) !== false;
  }

  *#explore(): Generator<SearchProgress, Exploration, boolean> {
    const { failures = 1, callbacks = DEFAULT_CALLBACKS, preemptions = null, limit = DEFAULT_LIMIT } = this.#options;
    // With a bound on preemptions every order counts: leaving one out might leave out the one with fewer.
    const reduce = (this.#options.reduce ?? true) && preemptions === null;
    const { shard } = this.#options;
    const bounds = { preemptions, failures, callbacks, limit, reduce };
    const began = performance.now();
    if (shard) yield* this.#settle({ ...bounds, limit: Math.min(limit, DIVIDING_SCHEDULES) });
    const { found, again: _, ...result } = yield* this.#settle({ ...bounds, ...(shard ? { shard } : {}) });
    const division = shard ? this.#space.known : null;
    const findings: ExploredFinding[] = [];
    for (const { problem, schedule } of found) findings.push(yield* this.#explain(problem, schedule, failures));
    return { bounds, ...result, division, durationMs: performance.now() - began, findings };
  }

  /** The programs one after another, once for each request that can fail: of memory, and of room in a map. */
  faults(): FaultPoint[] {
    return this.#withEveryFailure(() =>
      faultRuns(this.#space, this.#judge).map(({ steps, finding, ...run }) => {
        const schedule = `${EVERY_FAILURE}${scheduleText(steps, this.#space)}`;
        if (!finding) return { ...run, schedule, finding };
        const { trace } = traceOf(this.#space, this.#judge, merge(steps));
        return { ...run, schedule, finding: { ...finding, schedule, preemptions: 0, trace } };
      }),
    );
  }

  #withEveryFailure<T>(action: () => T): T {
    this.#space.mayFail(0);
    try {
      return action();
    } finally {
      this.#space.mayFail(MEMORY_FAILURES);
    }
  }

  /**
   * What a schedule that is given does wrong; null: nothing.
   * @throws InputError when it ends before the programs do, and nothing has gone wrong until there
   */
  replay(text: string): ExploredFinding | null {
    const every = text.startsWith(EVERY_FAILURE);
    const schedule = parseSchedule(every ? text.slice(EVERY_FAILURE.length) : text, this.#space);
    // Learns which memory is shared, so that the trace shows it.
    const learn = this.#settle({ failures: 0, preemptions: null, reduce: true, limit: SIMPLE_SCHEDULES });
    while (!learn.next(true).done);
    const run = () => traceOf(this.#space, this.#judge, schedule);
    const { finding, open, trace, preemptions } = every ? this.#withEveryFailure(run) : run();
    if (finding) return { ...finding, schedule: text, preemptions, trace };
    if (this.#space.tooLong) throw new InputError('schedule', '', 'is longer than can be gone back on');
    if (open.length > 0) throw new InputError('schedule', '', `ends before the programs do: ${open.join(', ')}`);
    return null;
  }

  /** Searches anew as long as memory turns out to be shared that was not known to be. */
  *#settle(options: SearchOptions): Generator<SearchProgress, SearchResult<Finding>, boolean> {
    for (let round = 0; ; round++) {
      const result = yield* new Search(this.#space, this.#judge, options).steps();
      if (!result.again || result.stopped === 'interrupted') return result;
      invariant(round < MAX_ROUNDS, 'exploration does not settle');
    }
  }

  /** The finding with a schedule of the fewest preemptions that shows it. */
  *#explain(
    problem: Finding,
    found: readonly ScheduleStep[],
    failures: number,
  ): Generator<SearchProgress, ExploredFinding, boolean> {
    const { key } = problem;
    let schedule = found;
    const most = traceOf(this.#space, this.#judge, merge(found)).preemptions;
    for (let bound = 0; bound <= Math.min(SIMPLE_PREEMPTIONS, most); bound++) {
      const options = { failures, preemptions: bound, reduce: false, limit: SIMPLE_SCHEDULES, until: key };
      const simpler = (yield* this.#settle(options)).found.find((other) => other.problem.key === key);
      if (!simpler) continue;
      schedule = simpler.schedule;
      break;
    }
    schedule = this.#spare(key, schedule);
    const { finding, trace, preemptions } = traceOf(this.#space, this.#judge, merge(schedule));
    // Of a reference that is lost only the trace knows who took it.
    const site = finding?.key === key ? finding.site : problem.site;
    return { ...problem, site, schedule: scheduleText(schedule, this.#space), preemptions, trace };
  }

  /** The schedule without those steps at its end, and those grace periods, that the finding is there without. */
  #spare(key: string, schedule: readonly ScheduleStep[]): readonly ScheduleStep[] {
    let kept = schedule;
    let tries = SPARED;
    for (let i = schedule.length - 1; i > 0 && tries > 0; i--) {
      if (i !== kept.length - 1 && kept[i]?.process !== this.#space.rcu) continue;
      const without = kept.filter((_, at) => at !== i);
      const { finding, whole } = traceOf(this.#space, this.#judge, merge(without));
      if (whole && finding?.key === key) kept = without;
      tries--;
    }
    return kept;
  }
}
