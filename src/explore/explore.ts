/** Explores the interleavings of programs, finds what goes wrong in some of them, and the simplest schedule that shows it. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import { InputError, invariant } from '../errors.ts';
import type { BpfObject } from '../machine/object.ts';
import { type FaultPoint, faultPoints } from './faults.ts';
import { type Assertion, type Finding, ScheduleJudge } from './judge.ts';
import { merge, parseSchedule, scheduleText } from './schedule.ts';
import { type ScheduleStep, Search, type SearchOptions, type SearchResult } from './search.ts';
import { type MaskAccess, Space, type ThreadSpec } from './space.ts';

export interface ExploreOptions {
  readonly threads: readonly ThreadSpec[];
  /** Program that runs at the end of each schedule, alone; anything but 0 is a finding. */
  readonly check?: ThreadSpec | null;
  readonly assertions?: readonly Assertion[];
  /** Allocations that may fail on one path; default 1. */
  readonly failures?: number;
  /** Most preemptions on one path; default: any number, and only one of those orders that come to the same. */
  readonly preemptions?: number | null;
  /** False: every order, also those that come to the same. */
  readonly reduce?: boolean;
  /** Schedules at most; default 10 million. */
  readonly limit?: number;
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  readonly onProgress?: ((schedules: number) => boolean) | undefined;
}

/** What one instruction of a finding's schedule did. */
export interface TraceStep {
  /** Thread; the number behind the last one: a grace period ended. */
  readonly process: number;
  readonly insn: number;
  /** It touched memory that another program touches, or ended its program. */
  readonly shared: boolean;
  /** The last access that it made, when that was a part of an operation on whole masks. */
  readonly part: MaskAccess | null;
  /** Its allocation gave NULL. */
  readonly failed: boolean;
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
  readonly durationMs: number;
  readonly findings: readonly ExploredFinding[];
}

const DEFAULT_LIMIT = 10_000_000;
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
    const { threads, check = null, assertions = [] } = options;
    if (threads.length < 1 || threads.length > MAX_THREADS) {
      throw new InputError('explore', '', `give 1 to ${MAX_THREADS} programs, not ${threads.length}`);
    }
    const machine = threads[0]?.program.machine;
    invariant(machine !== undefined, 'a thread has no machine');
    this.#options = options;
    this.#space = new Space(machine, threads, check);
    this.#judge = new ScheduleJudge(this.#space, object, assertions);
  }

  run(): Exploration {
    const { failures = 1, preemptions = null, reduce = true, limit = DEFAULT_LIMIT, shard, onProgress } = this.#options;
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
    const { schedules, redundant, steps, exhausted } = result;
    return { schedules, redundant, steps, exhausted, durationMs: performance.now() - began, findings };
  }

  /** The programs one after another, once for each allocation that can fail. */
  faults(): FaultPoint[] {
    return faultPoints(this.#space, this.#judge);
  }

  /** What a schedule that is given does. */
  replay(text: string): ExploredFinding | null {
    const schedule = parseSchedule(text, this.#space.threads.length);
    // Learns which memory is shared, so that the trace shows it.
    this.#settle({ failures: 0, preemptions: null, reduce: true, limit: SIMPLE_SCHEDULES });
    const { trace, finding } = this.#trace(schedule);
    return finding && { ...finding, schedule: text, preemptions: preemptionsOf(schedule, this.#space.rcu), trace };
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
    const { rcu } = this.#space;
    let schedule = found;
    for (let bound = 0; bound <= Math.min(SIMPLE_PREEMPTIONS, preemptionsOf(found, rcu)); bound++) {
      const { key: until } = problem;
      const options = { failures, preemptions: bound, reduce: false, limit: SIMPLE_SCHEDULES, until };
      const simpler = this.#settle(options).found.find((other) => other.problem.key === until);
      if (!simpler) continue;
      schedule = simpler.schedule;
      break;
    }
    const { trace } = this.#trace(merge(schedule));
    return {
      ...problem,
      schedule: scheduleText(schedule, rcu),
      preemptions: preemptionsOf(schedule, rcu),
      trace,
    };
  }

  /** Runs a schedule instruction by instruction; memory is as before afterwards. */
  #trace(schedule: readonly ScheduleStep[]): { trace: TraceStep[]; finding: Finding | null } {
    const space = this.#space;
    const mark = space.mark();
    const trace: TraceStep[] = [];
    let finding: Finding | null = null;
    for (const step of schedule) {
      finding = this.#traceStep(step, trace);
      if (finding) break;
    }
    const ended = space.threads.every((_, p) => space.state(p) >= x.XT_EXITED);
    if (!finding && ended) finding = this.#judge.atEnd();
    space.undo(mark);
    space.takeFresh();
    return { trace, finding };
  }

  #traceStep({ process, insns, within, fail }: ScheduleStep, trace: TraceStep[]): Finding | null {
    const space = this.#space;
    if (process === space.rcu) {
      space.step(process);
      trace.push({ process, insn: -1, shared: true, part: null, failed: false });
      return this.#judge.afterStep(process, x.STEP_SHARED);
    }
    let failing = fail;
    const step = (until: number) => {
      const insn = space.insn(process);
      // Of what ends here the last access counts, when some were made before.
      const last = space.accesses(process) > 0 ? space.accessOf(process) : null;
      const access = space.accessOf(process, until);
      const status = space.step(process, failing, 1, until);
      const failed = failing > 0 && space.allocations >= failing;
      failing = Math.max(0, failing - space.allocations);
      const shared = space.touchedLength > 0 || space.state(process) >= x.XT_EXITED;
      const part = status === x.STEP_WIDE ? access : last;
      trace.push({ process, insn, shared, part, failed });
      return this.#judge.afterStep(process, status);
    };
    for (let left = insns; left > 0 && space.state(process) < x.XT_EXITED; left--) {
      const finding = step(x.UNTIL_END);
      if (finding) return finding;
    }
    return within > 0 && space.state(process) < x.XT_EXITED ? step(within) : null;
  }
}

/** How often a schedule goes from one thread to another before the first has ended, as far as it says. */
function preemptionsOf(schedule: readonly ScheduleStep[], rcu: number): number {
  const own = schedule.filter(({ process }) => process !== rcu);
  const last = new Map(own.map(({ process }, i) => [process, i]));
  return own.filter(
    ({ process }, i) => own[i + 1] !== undefined && own[i + 1]?.process !== process && last.get(process) !== i,
  ).length;
}
