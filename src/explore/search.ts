/**
 * All interleavings that differ: depth-first search with dynamic partial-order reduction (source sets and sleep sets, after Abdulla,
 * Aronis, Jonsson and Sagonas). Steps depend on each other when they touch the same memory and one writes; only for pairs
 * that race is the other order tried. Without reduction, or with a bound on preemptions, every order is.
 */
import * as x from '../../assembly/kernel/explore_layout.ts';
import { Node } from './node.ts';
import { bit, Path, type StepFacts } from './path.ts';
import type { Ranges } from './ranges.ts';
import type { Space } from './space.ts';

/** One step of a schedule, in terms that do not depend on where steps end: so that it can be replayed. */
export interface ScheduleStep {
  /** Thread; the number behind the last thread: a grace period ends; those behind that: callbacks. */
  readonly process: number;
  /** 0: a callback begins. */
  readonly insns: number;
  /** Accesses of the operation on whole masks that it ended within; 0: in none. */
  readonly within: number;
  /** Which allocation of it gave NULL, from 1; 0: none. */
  readonly fail: number;
}

/** What a schedule did wrong. */
export interface Problem {
  /** Equal for findings that are the same. */
  readonly key: string;
  readonly text: string;
}

/** Looks for what is wrong; the space is in the state in question. */
export interface Judge<P extends Problem> {
  afterStep(process: number, status: number): P | null;
  atEnd(): P | null;
  /** Nobody can go on, and not all have ended. */
  stuck(): P;
}

export interface SearchOptions {
  /** Allocations that may fail on one path. */
  readonly failures: number;
  /** Most preemptions on one path; null: any number. */
  readonly preemptions: number | null;
  /** Leave out orders that make no difference. Not with a bound. */
  readonly reduce: boolean;
  /** Schedules after which the search gives up. */
  readonly limit: number;
  /** Part of the space: `index` of `count`, by the first steps. */
  readonly shard?: { readonly index: number; readonly count: number };
  /** Ends the search at the finding of that key. */
  readonly until?: string;
}

export interface SearchProgress {
  readonly schedules: number;
  readonly findings: number;
}

/**
 * Why not all was tried: the search ended after so many schedules, with enough findings, or was told to; or the parts of it were not
 * divided alike.
 */
export type Stop = 'limit' | 'findings' | 'interrupted' | 'parts';

export interface Found<P> {
  readonly problem: P;
  readonly schedule: readonly ScheduleStep[];
}

export interface SearchResult<P> {
  /** Complete schedules. */
  readonly schedules: number;
  /** Paths left early, because they were another in a different order. */
  readonly redundant: number;
  readonly steps: number;
  /** Paths that were left because they are too long to go back on. */
  readonly tooLong: number;
  readonly stopped: Stop | null;
  /** Everything within the bounds was tried. */
  readonly exhausted: boolean;
  /** Callbacks were left that may not begin so often. */
  readonly cut: boolean;
  /** Memory turned out to be shared that was not known to be, or a callback was found: what was tried counts for nothing. */
  readonly again: boolean;
  readonly found: readonly Found<P>[];
}

/** Steps of one path: what is longer is left. */
const MAX_DEPTH = 4096;
/** Steps in a row after which others go first, so that a program that waits for them in a loop sees them come. */
const PATIENCE = 512;
/** Nodes above this depth are expanded whole when the space is split, so that shards need not tell each other of races. */
const SHARD_DEPTH = 6;
/** Steps between two looks at whether to go on: some tens of milliseconds. */
const PROGRESS_EVERY = 16384;
const MAX_FOUND = 32;

export class Search<P extends Problem> {
  readonly #space: Space;
  readonly #judge: Judge<P>;
  readonly #options: SearchOptions;
  readonly #processes: number;
  /** Processes that share a CPU with each. */
  readonly #sameCpu: readonly number[];
  readonly #nodes: Node[] = [];
  readonly #path: Path;
  #depth = -1;
  #schedules = 0;
  #redundant = 0;
  #steps = 0;
  #tooLong = 0;
  #leaves = 0;
  #again = false;
  #cut = false;
  readonly #found = new Map<string, Found<P>>();

  constructor(space: Space, judge: Judge<P>, options: SearchOptions) {
    this.#space = space;
    this.#judge = judge;
    this.#options = options;
    space.adoptCallbacks();
    this.#processes = space.processes;
    this.#sameCpu = space.threads.map(({ cpu }, p) =>
      space.threads.reduce((bits, other, q) => (q !== p && other.cpu === cpu ? bits | bit(q) : bits), 0),
    );
    this.#path = new Path(this.#processes, space.rcu, this.#sameCpu);
  }

  /** Searches until all is tried, the limit is reached, or memory turns out to be shared that was not known to be. */
  run(): SearchResult<P> {
    const search = this.steps();
    for (;;) {
      const { done, value } = search.next(true);
      if (done) return value;
    }
  }

  /** The same; it asks once in a while whether to go on. */
  *steps(): Generator<SearchProgress, SearchResult<P>, boolean> {
    const root = this.#space.mark();
    let stopped: Stop | null = null;
    let pause = PROGRESS_EVERY;
    this.#push(-1);
    while (this.#depth >= 0 && !stopped && !this.#again) {
      if (!this.#advance()) this.#depth--;
      if (this.#leaves !== 0) stopped = this.#stops();
      if (this.#steps < pause) continue;
      pause = this.#steps + PROGRESS_EVERY;
      if (!(yield { schedules: this.#schedules, findings: this.#found.size })) stopped = 'interrupted';
    }
    this.#space.undo(root);
    return {
      schedules: this.#schedules,
      redundant: this.#redundant,
      steps: this.#steps,
      tooLong: this.#tooLong,
      stopped,
      exhausted: !stopped && !this.#again && this.#tooLong === 0,
      cut: this.#cut,
      again: this.#again,
      found: [...this.#found.values()],
    };
  }

  /** After a leaf: is it time to stop? */
  #stops(): Stop | null {
    const { until, limit } = this.#options;
    this.#leaves = 0;
    this.#again = this.#space.takeFresh();
    if (this.#found.size >= MAX_FOUND || (until !== undefined && this.#found.has(until))) return 'findings';
    return this.#schedules + this.#tooLong >= limit ? 'limit' : null;
  }

  get #bounded(): boolean {
    return this.#options.preemptions !== null || !this.#options.reduce;
  }

  /** Enters a node: the state that memory is in now. `event` led to it. */
  #push(event: number): void {
    const depth = ++this.#depth;
    const node = this.#nodes[depth] ?? new Node();
    this.#nodes[depth] = node;
    node.enter(this.#space.mark());
    const before = this.#nodes[event];
    if (before) {
      node.last = before.chosen === this.#space.rcu ? before.last : before.chosen;
      node.inARow = node.last === before.last ? before.inARow + 1 : 1;
      node.failures = before.failures + (before.fail > 0 ? 1 : 0);
      node.preemptions = before.preemptions + (this.#preempts(before) ? 1 : 0);
      this.#fallAsleep(before, node, event);
    }
    node.backtrack = this.#expandsWhole(depth) ? this.#everyone(node) : this.#first(node);
  }

  /** Nodes where every process is tried, whatever races. */
  #expandsWhole(depth: number): boolean {
    return this.#bounded || (this.#options.shard !== undefined && depth < SHARD_DEPTH);
  }

  /** Those that slept before an event and do not depend on it sleep on. */
  #fallAsleep(before: Node, node: Node, event: number): void {
    if (this.#bounded) return;
    for (let q = 0; q < this.#processes; q++) {
      if (!(before.sleep & bit(q)) || q === before.chosen) continue;
      const asleep = before.asleep[q] as Ranges;
      if (this.#path.dependsOn(event, q, asleep)) continue;
      node.fallsAsleep(q, asleep);
    }
  }

  /** Was another process able to go on when the chosen one took over? */
  #preempts({ last, chosen, blocked }: Node): boolean {
    if (last < 0 || chosen === last || chosen === this.#space.rcu) return false;
    return this.#space.state(last) === x.XT_RUNNING && !(blocked & bit(last));
  }

  /** May `p` go on here? */
  #runnable(p: number): boolean {
    const space = this.#space;
    if (p === space.rcu) return space.rcuReady();
    if (space.state(p) >= x.XT_EXITED) return false;
    return (this.#sameCpu[p] === 0 && space.callbacks.length === 0) || space.mayRun(p);
  }

  #everyone(node: Node): number {
    const { preemptions } = this.#options;
    let bits = 0;
    const { last } = node;
    const goesOn = last >= 0 && this.#space.state(last) === x.XT_RUNNING && this.#runnable(last);
    const mayPreempt = preemptions === null || node.preemptions < preemptions || !goesOn;
    for (let p = 0; p < this.#processes; p++) {
      if ((p === last || p === this.#space.rcu || mayPreempt) && this.#runnable(p)) bits |= bit(p);
    }
    return bits;
  }

  /** The process to try first: the one that ran last, unless it has gone on for long, else any; 0 when there is none. */
  #first(node: Node): number {
    const unfit = node.sleep | node.blocked | node.done;
    const fits = (p: number) => !(unfit & bit(p)) && this.#runnable(p);
    const patient = node.inARow < PATIENCE;
    if (patient && node.last >= 0 && fits(node.last)) return bit(node.last);
    const first = patient ? 0 : node.last + 1;
    for (let i = 0; i < this.#processes; i++) {
      const p = (first + i) % this.#processes;
      if (fits(p)) return bit(p);
    }
    return 0;
  }

  /** Tries what is next at the innermost node; false when nothing is left there. */
  #advance(): boolean {
    const node = this.#nodes[this.#depth] as Node;
    if (node.chosen >= 0) this.#space.undo(node.mark);
    const p = this.#choose(node);
    if (p < 0) {
      if (node.done === 0) this.#leaf(node);
      return false;
    }
    const space = this.#space;
    const before = p === space.rcu ? 0 : space.insns(p);
    const status = space.step(p, node.fail);
    this.#steps++;
    if (status === x.STEP_BLOCKED) {
      this.#block(node, p);
      return true;
    }
    if (node.fail === 0) node.allocations = space.allocations;
    node.insns = p === space.rcu ? 0 : space.insns(p) - before;
    node.within = status === x.STEP_WIDE ? space.accesses(p) : 0;
    const event = this.#depth;
    this.#record(event, p, space.facts);
    this.#path.appendTouched(event, node.tried);
    if (!this.#bounded) {
      node.withdrawn |= space.withdrawn;
      node.backtrack |= space.withdrawn;
    }
    // What it touches is known now, so that it sleeps in what comes after, as if it had been tried here.
    if (this.#isElsewhere(node)) return true;
    const problem = this.#judge.afterStep(p, status);
    if (problem) {
      this.#report(problem);
      this.#leaves++;
      this.#count(event + 1);
    } else if (space.tooLong || event + 1 >= MAX_DEPTH) {
      this.#leaves++;
      this.#tooLong++;
      // It may wait for somebody who has not had a turn.
      node.backtrack |= this.#bounded ? 0 : bit(this.#processes) - 1;
    } else this.#push(event);
    return true;
  }

  /** The next process and failure at a node. */
  #choose(node: Node): number {
    if (node.chosen >= 0) {
      if (node.fail < node.allocations && node.failures < this.#options.failures) {
        node.fail++;
        return node.chosen;
      }
      this.#putAside(node);
    }
    for (;;) {
      const left = node.backtrack & ~(node.done | node.blocked | node.sleep);
      if (left === 0) return -1;
      const preferred = node.last >= 0 && left & bit(node.last) ? node.last : 31 - Math.clz32(left & -left);
      if (this.#runnable(preferred)) {
        node.chosen = preferred;
        node.fail = 0;
        node.tried.length = 0;
        return preferred;
      }
      this.#cannot(node, preferred);
    }
  }

  /**
   * A race called for a process that may not go on here. It may before whatever keeps it from that; a grace period may once
   * somebody else, whoever that is, has gone on, and so may a callback that was taken away: nothing later shows that it could.
   */
  #cannot(node: Node, p: number): void {
    node.done |= bit(p);
    const space = this.#space;
    if (p === space.rcu || node.withdrawn & bit(p)) node.backtrack |= bit(this.#processes) - 1;
    if (p !== space.rcu && space.state(p) < x.XT_EXITED) this.#record(this.#depth, p, space.standing(p));
  }

  /** Is the branch at hand another shard's? Branches at one depth are dealt out by the path that leads to them. */
  #isElsewhere(node: Node): boolean {
    const { shard } = this.#options;
    if (!shard || this.#depth !== SHARD_DEPTH - 1) return false;
    let path = 0;
    for (let i = 0; i <= this.#depth; i++) {
      path = (path * 31 + this.#space.identity(this.#path.process[i] as number) * 7 + 1) >>> 0;
    }
    return (path + node.failures) % shard.count !== shard.index;
  }

  /** All of the chosen process's ways on are tried: it sleeps in what comes after. */
  #putAside(node: Node): void {
    const p = node.chosen;
    node.done |= bit(p);
    node.fallsAsleep(p, node.tried);
    node.chosen = -1;
  }

  /** It waits for a lock: it could go on before the other took it. */
  #block(node: Node, p: number): void {
    const space = this.#space;
    this.#record(this.#depth, p, space.facts);
    space.undo(node.mark);
    node.blocked |= bit(p);
    node.chosen = -1;
    if ((node.backtrack & ~node.blocked) === 0) node.backtrack |= this.#first(node);
  }

  /** Nothing can be done at a node that was just entered: an end, a deadlock, or a repetition. */
  #leaf(node: Node): void {
    this.#leaves++;
    const waiting = !this.#space.ended;
    if (node.sleep !== 0 && (waiting || this.#space.rcuReady())) {
      this.#redundant++;
      return;
    }
    if (waiting && this.#bounded && node.blocked === 0) return;
    if (this.#space.callbacks.cut) this.#cut = true;
    const problem = waiting ? this.#judge.stuck() : this.#judge.atEnd();
    if (this.#space.tooLong) this.#tooLong++;
    else this.#count(this.#depth);
    if (problem) this.#report(problem);
  }

  /** A schedule of so many steps has ended. One that is too short to be dealt out is in every shard, and counts in the first. */
  #count(steps: number): void {
    const { shard } = this.#options;
    if (!shard || shard.index === 0 || steps >= SHARD_DEPTH) this.#schedules++;
  }

  #report(problem: P): void {
    if (this.#found.has(problem.key)) return;
    this.#found.set(problem.key, { problem, schedule: this.#schedule() });
  }

  /** The steps up to now. */
  #schedule(): ScheduleStep[] {
    return this.#nodes
      .slice(0, this.#depth + 1)
      .filter(({ chosen }) => chosen >= 0)
      .map(({ chosen, insns, within, fail }) => ({ process: chosen, insns, within, fail }));
  }

  /** Puts a step into the path; the other orders that its races call for are tried later. */
  #record(event: number, p: number, facts: StepFacts): void {
    this.#path.add(event, p, facts);
    if (this.#bounded) return;
    this.#path.order(event, (early, initials, late) => {
      const node = this.#nodes[early] as Node;
      if ((initials & node.backtrack) !== 0 || initials === 0) return;
      const own = bit(this.#path.process[late] as number);
      node.backtrack |= initials & own ? own : initials & -initials;
    });
  }
}
