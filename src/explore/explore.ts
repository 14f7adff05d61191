/** Explores the interleavings of programs, finds what goes wrong in some of them, and the simplest schedule that shows it. */
import { InputError, invariant } from '../errors.ts';
import { MEMORY_FAILURES } from '../kernel/fault.ts';
import type { BpfObject } from '../machine/object.ts';
import { type FaultPoint, faultPoints } from './faults.ts';
import { type Assertion, type Finding, ScheduleJudge } from './judge.ts';
import { parseSchedule, scheduleText } from './schedule.ts';
import { type ScheduleStep, Search, type SearchOptions, type SearchResult } from './search.ts';
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
  readonly onProgress?: ((schedules: number) => boolean) | undefined;
}

export interface ExploredFinding extends Finding {
  readonly schedule: string;
  readonly preemptions: number;
  readonly trace: readonly TraceStep[];
}

export interface Exploration {
  readonly schedules: number;
  readonly redundant: number;
  readonly steps: number;
  /** Every schedule within the bounds was tried. */
  readonly exhausted: boolean;
  /** Callbacks that each timer and work item may begin on one path; whether one would have begun more. */
  readonly callbacks: number;
  readonly cut: boolean;
  readonly durationMs: number;
  readonly findings: readonly ExploredFinding[];
}

const DEFAULT_LIMIT = 10_000_000;
const DEFAULT_CALLBACKS = 2;
/** Processes are bits of an integer. */
const MAX_THREADS = 29;
/** How often memory may turn out to be shared: each time at least one granule more is. */
const MAX_ROUNDS = 10_000;
/** Preemptions and schedules of the search for a finding's simplest schedule. */
const SIMPLE_PREEMPTIONS = 4;
const SIMPLE_SCHEDULES = 50_000;

export class Explorer {
  readonly #space: Space;
  readonly #judge: ScheduleJudge;
  readonly #options: ExploreOptions;

  /**
   * @param object - loaded into a machine made with the wasm of `instrument`; programs that set it up have run
   * @throws InputError for threads that the machine cannot have
   */
  constructor(object: BpfObject, options: ExploreOptions) {
    const { threads, check = null, assertions = [], callbacks = DEFAULT_CALLBACKS } = options;
    if (threads.length < 1 || threads.length > MAX_THREADS) {
      throw new InputError('explore', '', `give 1 to ${MAX_THREADS} programs, not ${threads.length}`);
    }
    const machine = threads[0]?.program.machine;
    invariant(machine !== undefined, 'a thread has no machine');
    this.#options = options;
    this.#space = new Space(machine, threads, check, callbacks);
    this.#space.mayFail(MEMORY_FAILURES);
    this.#judge = new ScheduleJudge(this.#space, object, assertions);
  }

  run(): Exploration {
    const { failures = 1, callbacks = DEFAULT_CALLBACKS, preemptions = null, reduce = true } = this.#options;
    const { limit = DEFAULT_LIMIT, shard, onProgress } = this.#options;
    const began = performance.now();
    const result = this.#settle({
      failures,
      preemptions,
      reduce,
      limit,
      ...(shard ? { shard } : {}),
      ...(onProgress ? { onProgress } : {}),
    });
    const findings = result.found.map(({ problem, schedule }) => this.#explain(problem, schedule, failures));
    const { schedules, redundant, steps, exhausted, cut } = result;
    const durationMs = performance.now() - began;
    return { schedules, redundant, steps, exhausted, callbacks, cut, durationMs, findings };
  }

  /** The programs one after another, once for each request that can fail: of memory, and of room in a map. */
  faults(): FaultPoint[] {
    this.#space.mayFail(0);
    try {
      return faultPoints(this.#space, this.#judge);
    } finally {
      this.#space.mayFail(MEMORY_FAILURES);
    }
  }

  /** What a schedule that is given does. */
  replay(text: string): ExploredFinding | null {
    const schedule = parseSchedule(text, this.#space);
    // Learns which memory is shared, so that the trace shows it.
    this.#settle({ failures: 0, preemptions: null, reduce: true, limit: SIMPLE_SCHEDULES });
    const { finding, ...trace } = traceOf(this.#space, this.#judge, schedule);
    return finding && { ...finding, schedule: text, ...trace };
  }

  /** Searches anew as long as memory turns out to be shared that was not known to be. */
  #settle(options: SearchOptions): SearchResult<Finding> {
    for (let round = 0; ; round++) {
      const result = new Search(this.#space, this.#judge, options).run();
      if (!result.again) return result;
      invariant(round < MAX_ROUNDS, 'exploration does not settle');
    }
  }

  /** The finding with a schedule of the fewest preemptions that shows it. */
  #explain(problem: Finding, found: readonly ScheduleStep[], failures: number): ExploredFinding {
    let schedule = found;
    const { preemptions } = traceOf(this.#space, this.#judge, found);
    for (let bound = 0; bound <= Math.min(SIMPLE_PREEMPTIONS, preemptions); bound++) {
      const { key: until } = problem;
      const options = { failures, preemptions: bound, reduce: false, limit: SIMPLE_SCHEDULES, until };
      const simpler = this.#settle(options).found.find((other) => other.problem.key === until);
      if (!simpler) continue;
      schedule = simpler.schedule;
      break;
    }
    const { finding, ...trace } = traceOf(this.#space, this.#judge, schedule);
    // Of a reference that is lost only the trace knows who took it.
    const site = finding?.key === problem.key ? finding.site : problem.site;
    return { ...problem, site, schedule: scheduleText(schedule, this.#space), ...trace };
  }
}
