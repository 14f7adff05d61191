/** What a schedule does, instruction by instruction. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import { Acquires } from './acquires.ts';
import type { CallbackRun } from './callbacks.ts';
import type { Finding, ScheduleJudge } from './judge.ts';
import type { ScheduleStep } from './search.ts';
import type { Space } from './space.ts';
import type { MaskAccess } from './wide.ts';

/** What one instruction of a finding's schedule did. */
export interface TraceStep {
  /** Thread; the number behind the last one: a grace period ended; those behind that: callbacks. */
  readonly process: number;
  /** The callback that it belongs to; null: none. */
  readonly callback: CallbackRun | null;
  /** Id of its program. */
  readonly program: number;
  /** -1: a grace period ended, or the callback began. */
  readonly insn: number;
  /** It touched memory that another program touches, or ended its program. */
  readonly shared: boolean;
  /** The last access that it made, when that was a part of an operation on whole masks. */
  readonly part: MaskAccess | null;
  /** Its allocation gave NULL. */
  readonly failed: boolean;
}

export interface Trace {
  readonly trace: readonly TraceStep[];
  /** How often it goes from one process to another before the first has ended, which it does later. */
  readonly preemptions: number;
  readonly finding: Finding | null;
  /** Every step was as long as the schedule says. */
  readonly whole: boolean;
  /** Where programs and callbacks are that have not ended, in words. */
  readonly open: readonly string[];
}

class Tracer {
  readonly #space: Space;
  readonly #judge: ScheduleJudge;
  readonly trace: TraceStep[] = [];
  readonly acquires: Acquires;
  whole = true;
  /** Callbacks that run, by process. */
  readonly #callbacks = new Map<number, CallbackRun>();

  constructor(space: Space, judge: ScheduleJudge) {
    this.#space = space;
    this.#judge = judge;
    this.acquires = new Acquires(space);
  }

  step(step: ScheduleStep): Finding | null {
    const space = this.#space;
    const { process } = step;
    if (process === space.rcu || (process > space.rcu && space.state(process) === x.XT_NEW)) {
      const finding = this.#event(process);
      if (finding || process === space.rcu) return finding;
    }
    return this.#instructions(step);
  }

  /** A grace period ends, or a callback begins. */
  #event(process: number): Finding | null {
    const space = this.#space;
    const status = space.step(process);
    const callback = process === space.rcu ? null : space.callbackRun(process);
    if (callback) this.#callbacks.set(process, callback);
    this.trace.push({ process, callback, program: 0, insn: -1, shared: true, part: null, failed: false });
    return this.#judge.afterStep(process, status);
  }

  #instructions({ process, insns, within, fail }: ScheduleStep): Finding | null {
    const space = this.#space;
    // A callback that has ended may be pending again, and begins in a step of its own.
    const goesOn = () => {
      const state = space.state(process);
      return state === x.XT_RUNNING || (state === x.XT_NEW && process < space.rcu);
    };
    let failing = fail;
    const one = (until: number) => {
      const finding = this.#instruction(process, until, failing);
      failing = Math.max(0, failing - space.allocations);
      return finding;
    };
    let finding: Finding | null = null;
    let left = insns;
    for (; left > 0 && goesOn() && !finding && !space.tooLong; left--) finding = one(x.UNTIL_END);
    const part = within > 0 && goesOn() && !finding && !space.tooLong;
    if (part) finding = one(within);
    this.whole &&= left === 0 && part === within > 0;
    return finding;
  }

  #instruction(process: number, until: number, failing: number): Finding | null {
    const space = this.#space;
    const [program, insn] = [space.programId(process), space.insn(process)];
    // Of what ends here the last access counts, when some were made before.
    const last = space.accesses(process) > 0 ? space.accessOf(process) : null;
    const access = space.accessOf(process, until);
    const status = this.acquires.watch(process, () => space.step(process, failing, 1, until));
    const failed = failing > 0 && space.allocations >= failing;
    const shared = space.touchedShared || status === x.STEP_ENDED;
    const part = status === x.STEP_WIDE ? access : last;
    const callback = this.#callbacks.get(process) ?? null;
    this.trace.push({ process, callback, program, insn, shared, part, failed });
    return this.#judge.afterStep(process, status);
  }
}

/** Runs a schedule whose steps are merged; memory is as before afterwards. */
export function traceOf(space: Space, judge: ScheduleJudge, schedule: readonly ScheduleStep[]): Trace {
  const tracer = new Tracer(space, judge);
  const mark = space.mark();
  let finding: Finding | null = null;
  let preemptions = 0;
  for (const [i, step] of schedule.entries()) {
    finding = tracer.step(step);
    if (finding || space.tooLong) break;
    if (isPreempted(space, schedule, i)) preemptions++;
  }
  const open = openProcesses(space);
  if (!finding && open.length === 0) finding = judge.atEnd();
  else if (!finding && !space.tooLong && isStuck(space)) finding = judge.stuck();
  if (finding?.lost !== undefined) finding = { ...finding, site: tracer.acquires.last(finding.lost) ?? finding.site };
  space.undo(mark);
  space.takeFresh();
  return { trace: tracer.trace, preemptions, finding, whole: tracer.whole, open };
}

function openProcesses(space: Space): string[] {
  const open: string[] = [];
  for (let p = 0; p < space.processes; p++) {
    const state = p === space.rcu ? x.XT_EXITED : space.state(p);
    if (state >= x.XT_EXITED) continue;
    const name = `${space.threads[p]?.program.name ?? space.callbackName(p)} on CPU ${space.cpuOf(p)}`;
    open.push(`${name} ${state === x.XT_NEW ? 'has not begun' : `is at ${placeOf(space, p)}`}`);
  }
  return open;
}

function placeOf(space: Space, p: number): string {
  const insn = space.insn(p);
  const line = space.machine.programById(space.programId(p))?.sourceOf(insn);
  return line ? `${line.file}:${line.line}` : `insn ${insn}`;
}

/** Can nobody go on from here? */
function isStuck(space: Space): boolean {
  if (space.rcuReady()) return false;
  for (let p = 0; p < space.processes; p++) {
    if (p === space.rcu || space.state(p) >= x.XT_EXITED || !space.mayRun(p)) continue;
    const mark = space.mark();
    const status = space.step(p);
    space.undo(mark);
    if (status !== x.STEP_BLOCKED) return false;
  }
  return true;
}

/** Is a step of a schedule followed by another process's, before what it runs has ended? */
function isPreempted(space: Space, schedule: readonly ScheduleStep[], i: number): boolean {
  const { process } = schedule[i] as ScheduleStep;
  const later = schedule.slice(i + 1).filter((step) => step.process !== space.rcu);
  if (process === space.rcu || space.state(process) !== x.XT_RUNNING || later[0]?.process === process) return false;
  return later.some((step) => step.process === process);
}
