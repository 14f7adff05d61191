/** One run for each allocation that can fail: programs one after another, without interleaving. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import type { Finding, ScheduleJudge } from './judge.ts';
import type { Space } from './space.ts';

/** An allocation that failed, and what came of it. */
export interface FaultPoint {
  /** Thread and instruction of the allocation; the first row has none: nothing failed. */
  readonly thread: number | null;
  readonly insn: number | null;
  /** What each program returned, as s32; null for those that did not come to an end. */
  readonly retvals: readonly (number | null)[];
  readonly finding: Finding | null;
}

/** More failures than this are not tried. */
const MAX_POINTS = 10_000;

/** The run in which nothing fails, then one for each allocation; memory is as before afterwards. */
export function faultPoints(space: Space, judge: ScheduleJudge): FaultPoint[] {
  const points: FaultPoint[] = [];
  for (let nth = 0; nth <= MAX_POINTS; nth++) {
    const mark = space.mark();
    const point = runFailing(space, judge, nth);
    space.undo(mark);
    space.takeFresh();
    if (nth > 0 && point.thread === null) break;
    points.push(point);
  }
  return points;
}

/** Allocation `nth` of all of them fails, from 1; 0: none. */
function runFailing(space: Space, judge: ScheduleJudge, nth: number): FaultPoint {
  let left = nth;
  let failed: { thread: number; insn: number } | null = null;
  let finding: Finding | null = null;
  space.threads.forEach((_, thread) => {
    while (!finding && space.state(thread) < x.XT_EXITED) {
      const insn = space.insn(thread);
      const status = space.step(thread, left, 1);
      if (left > 0 && space.allocations >= left) failed = { thread, insn };
      left = Math.max(0, left - space.allocations);
      finding = judge.afterStep(thread, status);
      if (status === x.STEP_BLOCKED) finding = judge.stuck();
    }
  });
  finding ??= judge.atEnd();
  const place = failed ?? { thread: null, insn: null };
  return { ...place, retvals: space.threads.map((_, thread) => space.retval(thread)), finding };
}
