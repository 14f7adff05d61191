/**
 * All interleavings that differ: depth-first search with dynamic partial-order reduction (source sets and sleep sets, after Abdulla,
 * Aronis, Jonsson and Sagonas). Steps depend on each other when they touch the same memory and one writes; only for pairs
 * that race is the other order tried. Without reduction, or with a bound on preemptions, every order is.
 */
import * as x from '../../assembly/kernel/explore_layout.ts';
import type { Space, Touched } from './space.ts';

/** One step of a schedule, in terms that do not depend on where steps end: so that it can be replayed. */
export interface ScheduleStep {
  /** Thread; the number behind the last thread: a grace period ends. */
  readonly process: number;
  readonly insns: number;
  /** It ended between the two halves of a wide operation. */
  readonly captured: boolean;
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
  /** Called once in a while with the schedules so far; false stops the search. */
  readonly onProgress?: (schedules: number) => boolean;
}

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
  /** Everything within the bounds was tried. */
  readonly exhausted: boolean;
  /** Memory turned out to be shared that was not known to be: what was tried counts for nothing. */
  readonly again: boolean;
  readonly found: readonly Found<P>[];
}

/** Steps of one path. */
const MAX_DEPTH = 4096;
/** Nodes above this depth are expanded whole when the space is split, so that shards need not tell each other of races. */
const SHARD_DEPTH = 6;
const PROGRESS_EVERY = 1024;
const MAX_FOUND = 32;

interface Node {
  /** Undo log here. */
  mark: number;
  /** Processes as bits: to be tried, tried, not able to go on, known to lead nowhere new. */
  backtrack: number;
  done: number;
  blocked: number;
  sleep: number;
  /** What the next step of each sleeping process touches. */
  readonly asleep: readonly Ranges[];
  /** What the step of the process tried now touches, whichever of its allocations fails. */
  readonly tried: Ranges;
  /** Process tried now, -1: none; which of its allocations fails, of how many. */
  chosen: number;
  fail: number;
  allocations: number;
  /** Failures, preemptions and the last process on the way here. */
  failures: number;
  preemptions: number;
  last: number;
  /** Touched memory of the steps before. */
  arena: number;
}

/** Touched memory, in room that is kept for the next time. */
class Ranges {
  words: Touched = new Int32Array(16);
  length = 0;

  append(from: Touched, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.words.length) {
      const bigger = new Int32Array(length * 2);
      bigger.set(this.words);
      this.words = bigger;
    }
    for (let i = start; i < end; i++) this.words[this.length++] = from[i] as number;
  }

  copy({ words, length }: Ranges): void {
    this.length = 0;
    this.append(words, 0, length);
  }
}

const bit = (p: number) => 1 << p;

/** Do two steps touch the same memory, and one writes? */
function overlap(a: Touched, aFrom: number, aTo: number, b: Touched, bFrom: number, bTo: number): boolean {
  for (let i = aFrom; i < aTo; i += 2) {
    const from = a[i] as number;
    const end = a[i + 1] as number;
    for (let j = bFrom; j < bTo; j += 2) {
      const other = b[j + 1] as number;
      if (((end | other) & 1) === 0) continue;
      if (from < other >> 1 && (b[j] as number) < end >> 1) return true;
    }
  }
  return false;
}

export class Search<P extends Problem> {
  readonly #space: Space;
  readonly #judge: Judge<P>;
  readonly #options: SearchOptions;
  readonly #processes: number;
  /** Processes that share a CPU with each, as bits. */
  readonly #sameCpu: readonly number[];
  readonly #nodes: Node[] = [];
  #depth = -1;
  // Events: number i was done at node i.
  readonly #process = new Uint8Array(MAX_DEPTH);
  readonly #index = new Int32Array(MAX_DEPTH);
  readonly #clocks: Int32Array;
  readonly #from = new Int32Array(MAX_DEPTH + 1);
  readonly #movesRcu = new Uint8Array(MAX_DEPTH);
  readonly #insns = new Int32Array(MAX_DEPTH);
  readonly #captured = new Uint8Array(MAX_DEPTH);
  #arena: Touched = new Int32Array(1 << 16);
  #schedules = 0;
  #redundant = 0;
  #steps = 0;
  #leaves = 0;
  #again = false;
  readonly #found = new Map<string, Found<P>>();

  constructor(space: Space, judge: Judge<P>, options: SearchOptions) {
    this.#space = space;
    this.#judge = judge;
    this.#options = options;
    this.#processes = space.threads.length + 1;
    this.#clocks = new Int32Array(MAX_DEPTH * this.#processes);
    this.#sameCpu = space.threads.map(({ cpu }, p) =>
      space.threads.reduce((bits, other, q) => (q !== p && other.cpu === cpu ? bits | bit(q) : bits), 0),
    );
  }

  /** Searches until all is tried, the limit is reached, or memory turns out to be shared that was not known to be. */
  run(): SearchResult<P> {
    const root = this.#space.mark();
    let exhausted = true;
    this.#push(-1);
    while (this.#depth >= 0) {
      if (!this.#advance()) this.#depth--;
      if (this.#leaves !== 0 && this.#stops()) {
        exhausted = false;
        break;
      }
    }
    this.#space.undo(root);
    return {
      schedules: this.#schedules,
      redundant: this.#redundant,
      steps: this.#steps,
      exhausted,
      again: this.#again,
      found: [...this.#found.values()],
    };
  }

  /** After a leaf: is it time to stop? */
  #stops(): boolean {
    this.#leaves = 0;
    this.#again = this.#space.takeFresh();
    if (this.#again || (this.#options.until !== undefined && this.#found.has(this.#options.until))) return true;
    if (this.#schedules >= this.#options.limit || this.#found.size >= MAX_FOUND) return true;
    if (this.#schedules % PROGRESS_EVERY !== 0) return false;
    return this.#options.onProgress?.(this.#schedules) === false;
  }

  get #bounded(): boolean {
    return this.#options.preemptions !== null || !this.#options.reduce;
  }

  /** Enters a node: the state that memory is in now. `event` led to it. */
  #push(event: number): void {
    const before = event < 0 ? null : (this.#nodes[event] as Node);
    const depth = ++this.#depth;
    const node: Node = (this.#nodes[depth] ??= {
      asleep: Array.from({ length: this.#processes }, () => new Ranges()),
      tried: new Ranges(),
      ...{ mark: 0, backtrack: 0, done: 0, blocked: 0, sleep: 0, chosen: -1, fail: 0, allocations: 0 },
      ...{ failures: 0, preemptions: 0, last: -1, arena: 0 },
    });
    node.mark = this.#space.mark();
    node.done = 0;
    node.blocked = 0;
    node.chosen = -1;
    node.fail = 0;
    node.sleep = 0;
    node.arena = this.#from[depth] as number;
    if (before) {
      node.last = before.chosen === this.#space.rcu ? before.last : before.chosen;
      node.failures = before.failures + (before.fail > 0 ? 1 : 0);
      node.preemptions = before.preemptions + (this.#preempts(before) ? 1 : 0);
      this.#fallAsleep(before, node, event);
    } else {
      node.last = -1;
      node.failures = 0;
      node.preemptions = 0;
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
    const from = this.#from[event] as number;
    const to = this.#from[event + 1] as number;
    for (let q = 0; q < this.#processes; q++) {
      if (!(before.sleep & bit(q)) || q === before.chosen || this.#onSameCpu(q, before.chosen)) continue;
      const asleep = before.asleep[q] as Ranges;
      if (overlap(asleep.words, 0, asleep.length, this.#arena, from, to)) continue;
      node.sleep |= bit(q);
      node.asleep[q]?.copy(asleep);
    }
  }

  #onSameCpu(p: number, q: number): boolean {
    return ((this.#sameCpu[p] ?? 0) & bit(q)) !== 0;
  }

  /** Was another process able to go on when the chosen one took over? */
  #preempts({ last, chosen, blocked }: Node): boolean {
    if (last < 0 || chosen === last || chosen === this.#space.rcu) return false;
    return this.#space.state(last) < x.XT_EXITED && !(blocked & bit(last));
  }

  /** May `p` go on here? */
  #runnable(p: number): boolean {
    const space = this.#space;
    if (p === space.rcu) return space.rcuReady();
    const state = space.state(p);
    if (state >= x.XT_EXITED) return false;
    const others = this.#sameCpu[p] as number;
    if (others === 0) return true;
    const { threads } = space;
    const mine = threads[p];
    if (mine?.irq && state === x.XT_NEW && !space.irqsOn(p)) return false;
    return threads.every(({ irq }, q) => {
      if (!(others & bit(q))) return true;
      const other = space.state(q);
      // Interrupts run to their end, one after the other; programs of one CPU in their order.
      if (irq) return other !== x.XT_RUNNING;
      return mine?.irq || q > p || other >= x.XT_EXITED;
    });
  }

  #everyone(node: Node): number {
    const { preemptions } = this.#options;
    let bits = 0;
    const goesOn = node.last >= 0 && this.#runnable(node.last);
    const mayPreempt = preemptions === null || node.preemptions < preemptions || !goesOn;
    for (let p = 0; p < this.#processes; p++) {
      if ((p === node.last || p === this.#space.rcu || mayPreempt) && this.#runnable(p)) bits |= bit(p);
    }
    return bits;
  }

  /** The process to try first: the one that ran last, else any; 0 when there is none. */
  #first(node: Node): number {
    const unfit = node.sleep | node.blocked | node.done;
    if (node.last >= 0 && !(unfit & bit(node.last)) && this.#runnable(node.last)) return bit(node.last);
    for (let p = 0; p < this.#processes; p++) if (!(unfit & bit(p)) && this.#runnable(p)) return bit(p);
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
    const depth = this.#depth;
    this.#insns[depth] = p === space.rcu ? 0 : space.insns(p) - before;
    this.#captured[depth] = status === x.STEP_WIDE ? 1 : 0;
    this.#record(p, node.arena);
    node.tried.append(this.#arena, node.arena, this.#from[depth + 1] as number);
    const problem = this.#judge.afterStep(p, status);
    if (problem) this.#report(problem);
    if (problem || depth + 2 >= MAX_DEPTH) this.#end();
    else this.#push(depth);
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
    const { shard } = this.#options;
    for (;;) {
      const left = node.backtrack & ~(node.done | node.blocked | node.sleep);
      if (left === 0) return -1;
      const preferred = node.last >= 0 && left & bit(node.last) ? node.last : 31 - Math.clz32(left & -left);
      if (this.#runnable(preferred) && !(shard && this.#skipsShard(shard, node, preferred))) {
        node.chosen = preferred;
        node.fail = 0;
        node.tried.length = 0;
        return preferred;
      }
      node.done |= bit(preferred);
    }
  }

  /** Is this branch another shard's? Branches at one depth are dealt out in turn, by the path that leads to them. */
  #skipsShard({ index, count }: { index: number; count: number }, node: Node, p: number): boolean {
    if (this.#depth !== SHARD_DEPTH - 1) return false;
    let path = p;
    for (let i = 0; i < this.#depth; i++) path = (path * 31 + (this.#process[i] as number) * 7 + 1) >>> 0;
    return (path + node.failures) % count !== index;
  }

  /** All of the chosen process's ways on are tried: it sleeps in what comes after. */
  #putAside(node: Node): void {
    const p = node.chosen;
    node.done |= bit(p);
    node.sleep |= bit(p);
    node.asleep[p]?.copy(node.tried);
    node.chosen = -1;
  }

  #block(node: Node, p: number): void {
    this.#space.undo(node.mark);
    node.blocked |= bit(p);
    node.chosen = -1;
    if ((node.backtrack & ~node.blocked) === 0) node.backtrack |= this.#first(node);
  }

  /** Nothing can be done at a node that was just entered: an end, a deadlock, or a repetition. */
  #leaf(node: Node): void {
    this.#leaves++;
    const waiting = this.#space.threads.some((_, p) => this.#space.state(p) < x.XT_EXITED);
    if (node.sleep !== 0 && (waiting || this.#space.rcuReady())) {
      this.#redundant++;
      return;
    }
    if (waiting && this.#bounded && node.blocked === 0) return;
    this.#schedules++;
    const problem = waiting ? this.#judge.stuck() : this.#judge.atEnd();
    if (problem) this.#report(problem);
  }

  /** A path that ends in the middle. */
  #end(): void {
    this.#leaves++;
    this.#schedules++;
  }

  #report(problem: P): void {
    if (this.#found.has(problem.key)) return;
    this.#found.set(problem.key, { problem, schedule: this.#schedule() });
  }

  /** The steps up to now. */
  #schedule(): ScheduleStep[] {
    const steps: ScheduleStep[] = [];
    const last = this.#depth;
    for (let i = 0; i <= last; i++) {
      const { chosen, fail } = this.#nodes[i] as Node;
      if (chosen < 0) break;
      steps.push({ process: chosen, insns: this.#insns[i] as number, captured: this.#captured[i] === 1, fail });
    }
    return steps;
  }

  /** Puts the step into the path: its clock, and the other orders that its races call for. */
  #record(p: number, arena: number): void {
    const event = this.#depth;
    const space = this.#space;
    const length = space.touchedLength;
    if (arena + length > this.#arena.length) {
      const bigger = new Int32Array(Math.max(this.#arena.length * 2, arena + length));
      bigger.set(this.#arena);
      this.#arena = bigger;
    }
    for (let i = 0; i < length; i++) this.#arena[arena + i] = space.touched[i] as number;
    this.#from[event] = arena;
    this.#from[event + 1] = arena + length;
    this.#process[event] = p;
    this.#movesRcu[event] = space.movesRcu ? 1 : 0;
    if (this.#bounded) return;
    const processes = this.#processes;
    const clock = event * processes;
    this.#clocks.fill(0, clock, clock + processes);
    let own = event - 1;
    while (own >= 0 && this.#process[own] !== p) own--;
    if (own >= 0) this.#join(clock, own);
    if (p === space.rcu) this.#joinCauses(clock, event);
    this.#index[event] = (own >= 0 ? (this.#index[own] as number) : 0) + 1;
    this.#clocks[clock + p] = this.#index[event] as number;
    for (let other = event - 1; other >= 0; other--) {
      const q = this.#process[other] as number;
      if (q === p || (this.#clocks[clock + q] as number) >= (this.#index[other] as number)) continue;
      if (!this.#dependent(other, event)) continue;
      this.#race(other, event);
      this.#join(clock, other);
    }
  }

  /** A grace period comes after what it waits for. */
  #joinCauses(clock: number, event: number): void {
    let seen = 0;
    for (let other = event - 1; other >= 0; other--) {
      const q = bit(this.#process[other] as number);
      if (seen & q || !this.#movesRcu[other]) continue;
      seen |= q;
      this.#join(clock, other);
    }
  }

  #join(clock: number, event: number): void {
    const processes = this.#processes;
    const from = event * processes;
    for (let i = 0; i < processes; i++) {
      const value = this.#clocks[from + i] as number;
      if (value > (this.#clocks[clock + i] as number)) this.#clocks[clock + i] = value;
    }
  }

  #dependent(a: number, b: number): boolean {
    if (this.#onSameCpu(this.#process[a] as number, this.#process[b] as number)) return true;
    const from = this.#from;
    const aFrom = from[a] as number;
    const bFrom = from[b] as number;
    return overlap(this.#arena, aFrom, from[a + 1] as number, this.#arena, bFrom, from[b + 1] as number);
  }

  #happensBefore(a: number, b: number): boolean {
    return (this.#clocks[b * this.#processes + (this.#process[a] as number)] as number) >= (this.#index[a] as number);
  }

  /** `late` could come before `early`: makes sure that some process which leads there is tried in the state before `early`. */
  #race(early: number, late: number): void {
    const node = this.#nodes[early] as Node;
    let initials = 0;
    let others = 0;
    for (let event = early + 1; event <= late; event++) {
      if (event !== late && this.#happensBefore(early, event)) continue;
      const q = this.#process[event] as number;
      if (!(others & bit(q)) && !this.#follows(early, event)) initials |= bit(q);
      others |= bit(q);
    }
    if ((initials & node.backtrack) !== 0 || initials === 0) return;
    const own = bit(this.#process[late] as number);
    node.backtrack |= initials & own ? own : initials & -initials;
  }

  /** Does some event between the two, itself not behind `early`, come before `event`? */
  #follows(early: number, event: number): boolean {
    for (let between = early + 1; between < event; between++) {
      if (!this.#happensBefore(early, between) && this.#happensBefore(between, event)) return true;
    }
    return false;
  }
}
