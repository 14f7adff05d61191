/** One run for each request of a program that can fail (src/kernel/fault.ts): programs one after another, without interleaving. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import { type FailureKind, lastFailure } from '../kernel/fault.ts';
import type { ExploredFinding } from './explore.ts';
import type { Finding, ScheduleJudge } from './judge.ts';
import type { ScheduleStep } from './search.ts';
import type { Space } from './space.ts';

/** A request that failed, and what came of it. */
export interface FaultPoint {
  /** What failed, by thread, id of the program, and instruction; the first row has none: nothing failed. A callback has no thread. */
  readonly kind: FailureKind | null;
  readonly thread: number | null;
  readonly program: number | null;
  readonly insn: number | null;
  /** What each program returned, as s32; null for those that did not come to an end. */
  readonly retvals: readonly (number | null)[];
  /** False: a program or callback ran for too long to be gone back on. */
  readonly ended: boolean;
  /** The run, for Explorer.replay. */
  readonly schedule: string;
  readonly finding: ExploredFinding | null;
}

/** A fault point as it ran. */
export interface FaultRun extends Omit<FaultPoint, 'schedule' | 'finding'> {
  readonly steps: readonly ScheduleStep[];
  readonly finding: Finding | null;
}

type Place = Pick<FaultPoint, 'kind' | 'thread' | 'program' | 'insn'>;

/** More failures than this are not tried. */
const MAX_POINTS = 10_000;

/** The run in which nothing fails, then one for each request; memory is as before afterwards. */
export function faultRuns(space: Space, judge: ScheduleJudge): FaultRun[] {
  const points: FaultRun[] = [];
  for (let nth = 0; nth <= MAX_POINTS; ) {
    const processes = space.processes;
    const mark = space.mark();
    const point = runFailing(space, judge, nth);
    space.undo(mark);
    space.takeFresh();
    space.adoptCallbacks();
    // A callback was found that there was no process for.
    if (space.processes > processes) continue;
    if (nth > 0 && point.insn === null) break;
    points.push(point);
    nth++;
  }
  return points;
}

/** Request `nth` of all of them fails, from 1; 0: none. Callbacks run when the programs have. */
function runFailing(space: Space, judge: ScheduleJudge, nth: number): FaultRun {
  let left = nth;
  let failed: Place = { kind: null, thread: null, program: null, insn: null };
  let finding: Finding | null = null;
  let ended = true;
  const steps: ScheduleStep[] = [];
  const run = (process: number) => {
    let step = { process, insns: 0, within: 0, fail: 0 };
    let mayFail = left;
    while (!finding && ended && space.state(process) < x.XT_EXITED) {
      const begins = process > space.rcu && space.state(process) === x.XT_NEW;
      const place = {
        thread: process < space.rcu ? process : null,
        program: space.programId(process),
        insn: space.insn(process),
      };
      const insns = space.insns(process);
      const status = space.step(process, left, 1);
      if (begins) {
        // It may begin more than once: each time in a step of its own.
        if (step.insns > 0) steps.push(step);
        steps.push({ process, insns: 0, within: 0, fail: 0 });
        step = { process, insns: 0, within: 0, fail: 0 };
        mayFail = left;
        continue;
      }
      step.insns += space.insns(process) - insns;
      if (left > 0 && space.allocations >= left) {
        failed = { kind: lastFailure(space.memory), ...place };
        step.fail = mayFail;
      }
      left = Math.max(0, left - space.allocations);
      finding = judge.afterStep(process, status);
      if (status === x.STEP_BLOCKED) finding = judge.stuck();
      ended = !space.tooLong;
    }
    if (step.insns > 0) steps.push(step);
  };
  for (const thread of space.threads.keys()) run(thread);
  for (let next = nextCallback(space); !finding && ended && next !== null; next = nextCallback(space)) run(next);
  if (ended) finding ??= judge.atEnd();
  const retvals = space.threads.map((_, thread) => space.retval(thread));
  return { ...failed, retvals, ended: ended && !space.tooLong, steps, finding };
}

function nextCallback(space: Space): number | null {
  for (let p = space.rcu + 1; p < space.processes; p++) if (space.state(p) === x.XT_NEW && space.mayRun(p)) return p;
  return null;
}
