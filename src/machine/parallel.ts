/**
 * Simulated CPUs as threads over the machine's memory: each job of a parallel run has a worker, which is that CPU until it is
 * done. Workers are kept for the next run. A worker that dies, or that does not come back in time, is ended; its CPU is freed
 * of locks and read sections, so that the machine goes on.
 */
import { ALLOC_BUFFER } from '../../assembly/layout.ts';
import type { PortableProgram, RunOptions } from '../engine/engine.ts';
import type { Fault } from '../engine/fault.ts';
import {
  errorOf,
  type ParallelReply,
  type ParallelRequest,
  type ParallelResult,
  type ParallelTask,
} from '../engine/parallel_worker.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { Task } from '../kernel/tasks.ts';
import type { Machine } from './machine.ts';
import { checkJobs } from './parallel_check.ts';
import type { Program, ProgramRunOptions } from './run.ts';

/** A thread that runs parallel_worker.ts; made by the platform. */
export interface WorkerHandle {
  post(request: ParallelRequest): void;
  /** Sets who hears of replies, and of its end: by an error, or by itself. */
  listen(onReply: (reply: ParallelReply) => void, onEnd: (reason: string) => void): void;
  /** Whether the process has to go on for it. */
  hold(needed: boolean): void;
  end(): void;
}

/** One CPU of a parallel run. */
export interface ParallelJob extends Omit<ProgramRunOptions, 'cpu'> {
  /** No two jobs have the same. */
  readonly cpu: number;
  readonly program: Program;
  /** Runs, one after the other; default 1. */
  readonly times?: number | undefined;
  /**
   * The task that runs it. Default: the machine's current one for the first job, for each other CPU one of its own, with the next
   * free pid, that stays for later runs.
   */
  readonly task?: Task | undefined;
}

export interface ParallelOptions {
  /** Milliseconds after which a job is stopped: between runs (`stopped`), or as a fault of kind `time-limit`. Default: none. */
  readonly timeLimitMs?: number | undefined;
}

/** How a job ended. */
export interface ParallelRun {
  readonly cpu: number;
  readonly program: Program;
  /** Runs that ended, the one with the fault counted. */
  readonly runs: number;
  /** Low 32 bits of r0 of the last run. */
  readonly retval: number;
  /** Instructions of all runs. */
  readonly insns: number;
  /** Wall-clock time of all runs, nanoseconds. */
  readonly durationNs: number;
  readonly fault: Fault | null;
  /** Why it made fewer runs than it was to, where each of them came to its end. */
  readonly stopped: 'time-limit' | null;
  /** Why its worker is gone, in one line; null when it came back. What it had done by then is not known. */
  readonly died: string | null;
}

/** What a program gives for a job. */
export interface PreparedJob {
  readonly program: PortableProgram;
  /** Programs that it may tail call. */
  readonly others: readonly PortableProgram[];
  readonly run: RunOptions;
  free(): void;
}

/** A worker that is past its time limit, and past that of its engine, has so long to say so. */
const GRACE_MS = 3000;

interface Member {
  readonly handle: WorkerHandle;
  reply: (reply: ParallelReply) => void;
  ended: (reason: string) => void;
}

const nobody = () => {};

/** The workers of one machine. */
export class ParallelCpus {
  readonly #machine: Machine;
  readonly #memory: KernelMemory;
  readonly #start: () => WorkerHandle;
  readonly #idle: Member[] = [];
  #running = false;
  #disposed = false;

  constructor(machine: Machine, start: () => WorkerHandle) {
    this.#machine = machine;
    this.#memory = machine.memory;
    this.#start = start;
  }

  /** Whether a parallel run goes on: the machine's CPUs are not this thread's then. */
  get running(): boolean {
    return this.#running;
  }

  async run(jobs: readonly ParallelJob[], options: ParallelOptions): Promise<ParallelRun[]> {
    this.#machine.checkIdle();
    checkJobs(this.#machine, jobs, options, this.#disposed);
    const memory = this.#memory;
    const { cpuTasks } = this.#machine;
    const prepared: PreparedJob[] = [];
    const cell = memory.kmalloc(8, ALLOC_BUFFER);
    try {
      const given = jobs.flatMap(({ cpu, task }) => (task ? [[cpu, task] as const] : []));
      cpuTasks.spread(
        jobs.map(({ cpu }) => cpu),
        new Map(given),
      );
      for (const { program, task, times, ...how } of jobs) prepared.push(program.prepareParallel(how));
      this.#running = true;
      const start = new Start(memory, cell, jobs.length);
      const runs = jobs.map((job, i) => this.#one(job, prepared[i] as PreparedJob, start, options));
      // Nothing is freed while a worker may still use it, also when another failed.
      await Promise.allSettled(runs);
      return await Promise.all(runs);
    } finally {
      this.#running = false;
      cpuTasks.gather();
      for (const one of prepared) one.free();
      memory.kfree(cell);
    }
  }

  /** Workers need not keep a program that is gone. */
  forget(program: number): void {
    for (const { handle } of this.#idle) handle.post({ kind: 'forget', program });
  }

  /** Ends all workers; there are no more. */
  dispose(): void {
    this.#disposed = true;
    for (const { handle } of this.#idle.splice(0)) handle.end();
  }

  #take(): Member {
    const idle = this.#idle.pop();
    if (idle) return idle;
    const member: Member = { handle: this.#start(), reply: nobody, ended: nobody };
    member.handle.listen(
      (reply) => member.reply(reply),
      (reason) => {
        const at = this.#idle.indexOf(member);
        if (at >= 0) this.#idle.splice(at, 1);
        member.ended(reason);
      },
    );
    return member;
  }

  #one(job: ParallelJob, prepared: PreparedJob, start: Start, options: ParallelOptions): Promise<ParallelRun> {
    const { cpu, program, times = 1 } = job;
    const { timeLimitMs = null } = options;
    const member = this.#take();
    const { handle } = member;
    return new Promise<ParallelRun>((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let ready = false;
      const leave = () => {
        clearTimeout(timer);
        [member.reply, member.ended] = [nobody, nobody];
        if (!ready) start.ready();
      };
      const died = (reason: string) => {
        leave();
        this.#memory.on(cpu, () => this.#memory.exports.cpu_reset());
        resolve({
          cpu,
          program,
          runs: 0,
          retval: 0,
          insns: 0,
          durationNs: 0,
          fault: null,
          stopped: null,
          died: reason,
        });
      };
      const keep = () => {
        leave();
        handle.hold(false);
        this.#idle.push(member);
      };
      const done = (result: ParallelResult) => {
        keep();
        resolve({ cpu, program, ...result, died: null });
      };
      member.ended = died;
      member.reply = (reply) => {
        if (reply.kind === 'done') return done(reply.result);
        if (reply.kind === 'failed') {
          keep();
          return reject(errorOf(reply));
        }
        ready = true;
        start.ready();
        if (timeLimitMs === null) return;
        void start.all.then(() => {
          timer = setTimeout(() => {
            handle.end();
            died(`did not come back within ${timeLimitMs} ms, and was ended`);
          }, timeLimitMs + GRACE_MS);
        });
      };
      handle.hold(true);
      const task: ParallelTask = {
        share: this.#memory.share(),
        cpu,
        program: prepared.program,
        others: prepared.others,
        times,
        run: prepared.run,
        timeLimitMs,
        start: start.index,
      };
      handle.post({ kind: 'run', task });
    });
  }
}

/** Lets all workers begin when the last of them is ready, or gone. */
class Start {
  readonly index: number;
  readonly all: Promise<void>;
  readonly #memory: KernelMemory;
  #missing: number;
  #begin: () => void = nobody;

  constructor(memory: KernelMemory, cell: number, workers: number) {
    this.#memory = memory;
    this.#missing = workers;
    this.index = cell >> 2;
    this.all = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  ready(): void {
    if (--this.#missing > 0) return;
    const words = new Int32Array(this.#memory.memory.buffer);
    Atomics.store(words, this.index, 1);
    Atomics.notify(words, this.index);
    this.#begin();
  }
}
