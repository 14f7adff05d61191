/** The states that a search stands in, from the first to the innermost. */
import { bit } from './path.ts';
import { Ranges } from './ranges.ts';

/** A state on the path, and what is to be tried there. Sets of processes are bits. */
export class Node {
  /** Undo log here. */
  mark = 0;
  /** Processes to be tried, tried, not able to go on, known to lead nowhere new. */
  backtrack = 0;
  done = 0;
  blocked = 0;
  sleep = 0;
  /** Callbacks that a step taken here took away: they could have begun instead. */
  withdrawn = 0;
  /** What the next step of each sleeping process touches. */
  readonly asleep: Ranges[] = [];
  /** What the step of the process tried now touches, whichever of its allocations fails. */
  readonly tried = new Ranges();
  /** Process tried now, -1: none; which of its allocations fails, of how many. */
  chosen = -1;
  fail = 0;
  allocations = 0;
  /** See ScheduleStep. */
  insns = 0;
  within = 0;
  /** Failures, preemptions and the last process on the way here. */
  failures = 0;
  preemptions = 0;
  last = -1;
  /** Steps of that one in a row. */
  inARow = 0;

  enter(mark: number): void {
    this.mark = mark;
    this.backtrack = 0;
    this.done = 0;
    this.blocked = 0;
    this.sleep = 0;
    this.withdrawn = 0;
    this.chosen = -1;
    this.fail = 0;
    this.failures = 0;
    this.preemptions = 0;
    this.last = -1;
    this.inARow = 0;
  }

  fallsAsleep(p: number, touches: Ranges): void {
    this.sleep |= bit(p);
    const kept = this.asleep[p] ?? new Ranges();
    kept.copy(touches);
    this.asleep[p] = kept;
  }
}
