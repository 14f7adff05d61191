/** The path that a search is on: its events, which of them happened before which, and which race. */
import { overlap, Ranges, type Touched } from './ranges.ts';

/** Events that there is room for at first. */
const ROOM = 64;

export const bit = (p: number) => 1 << p;

function copied<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** What a step was, as far as order matters. */
export interface StepFacts {
  readonly touched: Touched;
  readonly touchedLength: number;
  readonly movesRcu: number;
}

/** It queued a callback; a grace period: it left some in the queue. */
export const MOVES_RCU_QUEUES = 1;
/** It left a read section that held back the oldest callback. */
export const MOVES_RCU_RELEASES = 2;

/** Told of each race: the event could come after what now follows it, if one of the processes `initials` goes first. */
export type OnRace = (early: number, initials: number, late: number) => void;

export class Path {
  /** Process of each event. */
  process = new Uint8Array(ROOM);
  readonly #processes: number;
  /** Number of the process that ends grace periods. */
  readonly #rcu: number;
  /** Programs that share a CPU with each, as bits: their steps never commute. */
  readonly #sameCpu: readonly number[];
  /** How many events of its process each is, from 1. */
  #index = new Int32Array(ROOM);
  /** Per event, for each process how many of its events happened before. */
  #clocks: Int32Array;
  #movesRcu = new Uint8Array(ROOM);
  /** Where in `#touched` the event's memory begins; one entry more than events. */
  #from = new Int32Array(ROOM + 1);
  readonly #touched = new Ranges();

  constructor(processes: number, rcu: number, sameCpu: readonly number[]) {
    this.#processes = processes;
    this.#rcu = rcu;
    this.#sameCpu = sameCpu;
    this.#clocks = new Int32Array(ROOM * processes);
  }

  #grow(): void {
    const room = this.process.length * 2;
    this.process = copied(this.process, new Uint8Array(room));
    this.#movesRcu = copied(this.#movesRcu, new Uint8Array(room));
    this.#index = copied(this.#index, new Int32Array(room));
    this.#from = copied(this.#from, new Int32Array(room + 1));
    this.#clocks = copied(this.#clocks, new Int32Array(room * this.#processes));
  }

  onSameCpu(p: number, q: number): boolean {
    return ((this.#sameCpu[p] ?? 0) & bit(q)) !== 0;
  }

  /** Puts a step of `p` at the end, as event number `event`: what was there, and behind it, is gone. */
  add(event: number, p: number, { touched, touchedLength, movesRcu }: StepFacts): void {
    if (event === this.process.length) this.#grow();
    this.#touched.length = this.#from[event] as number;
    this.#touched.append(touched, 0, touchedLength);
    this.#from[event + 1] = this.#touched.length;
    this.process[event] = p;
    this.#movesRcu[event] = movesRcu;
  }

  /** Adds what an event touched to `to`. */
  appendTouched(event: number, to: Ranges): void {
    to.append(this.#touched.words, this.#from[event] as number, this.#from[event + 1] as number);
  }

  /** Does an event depend on a step of `q` that touches this? */
  dependsOn(event: number, q: number, { words, length }: Ranges): boolean {
    if (this.onSameCpu(q, this.process[event] as number)) return true;
    const from = this.#from[event] as number;
    return overlap(words, 0, length, this.#touched.words, from, this.#from[event + 1] as number);
  }

  /** Sets the clock of the last event, and tells of its races. */
  order(event: number, onRace: OnRace): void {
    const processes = this.#processes;
    const p = this.process[event] as number;
    const clock = event * processes;
    let own = event - 1;
    while (own >= 0 && this.process[own] !== p) own--;
    for (let q = 0; q < processes; q++) {
      this.#clocks[clock + q] = own >= 0 ? (this.#clocks[own * processes + q] as number) : 0;
    }
    if (p === this.#rcu) this.#joinCauses(clock, event);
    this.#index[event] = (own >= 0 ? (this.#index[own] as number) : 0) + 1;
    this.#clocks[clock + p] = this.#index[event] as number;
    for (let other = event - 1; other >= 0; other--) {
      const q = this.process[other] as number;
      if (q === p || (this.#clocks[clock + q] as number) >= (this.#index[other] as number)) continue;
      if (!this.#dependent(other, event)) continue;
      onRace(other, this.#initials(other, event), event);
      this.#join(clock, other);
    }
  }

  /**
   * A grace period comes after what the oldest callback waited for: that it was queued, and that its readers left. What was queued
   * later it could have left to another. When the one before it left some, any of those may be the oldest.
   */
  #joinCauses(clock: number, event: number): void {
    let oldest = -1;
    let left = false;
    for (let other = event - 1; other >= 0; other--) {
      const moves = this.#movesRcu[other];
      if (this.process[other] === this.#rcu) {
        if (moves !== MOVES_RCU_QUEUES) break;
        left = true;
      } else if (moves === MOVES_RCU_RELEASES || (left && moves === MOVES_RCU_QUEUES)) this.#join(clock, other);
      else if (moves === MOVES_RCU_QUEUES) oldest = other;
    }
    if (oldest >= 0) this.#join(clock, oldest);
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
    if (this.onSameCpu(this.process[a] as number, this.process[b] as number)) return true;
    const from = this.#from;
    const { words } = this.#touched;
    const aFrom = from[a] as number;
    const bFrom = from[b] as number;
    return overlap(words, aFrom, from[a + 1] as number, words, bFrom, from[b + 1] as number);
  }

  #happensBefore(a: number, b: number): boolean {
    return (this.#clocks[b * this.#processes + (this.process[a] as number)] as number) >= (this.#index[a] as number);
  }

  /** Processes that may go first, in the state before `early`, on a path on which `late` comes before it. */
  #initials(early: number, late: number): number {
    let initials = 0;
    let seen = 0;
    for (let event = early + 1; event <= late; event++) {
      if (event !== late && this.#happensBefore(early, event)) continue;
      const q = bit(this.process[event] as number);
      if (!(seen & q) && !this.#follows(early, event)) initials |= q;
      seen |= q;
    }
    return initials;
  }

  /** Does some event between the two, itself not behind `early`, come before `event`? */
  #follows(early: number, event: number): boolean {
    for (let between = early + 1; between < event; between++) {
      if (!this.#happensBefore(early, between) && this.#happensBefore(between, event)) return true;
    }
    return false;
  }
}
