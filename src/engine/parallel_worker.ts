/**
 * The worker's side of a parallel run: a thread that is one simulated CPU after the other, on the machine's memory, with an
 * instance of kernel.wasm and a stack of its own. src/machine/parallel.ts is the other side.
 */
import { InputError, InvariantError, NotSupported } from '../errors.ts';
import { KernelMemory, type KernelMemoryShare } from '../kernel/memory.ts';
import { Adopted, type AdoptedProgram } from './adopt.ts';
import type { PortableProgram, RunOptions } from './engine.ts';
import type { Fault } from './fault.ts';

/** One CPU's share of a parallel run. */
export interface ParallelTask {
  readonly share: KernelMemoryShare;
  readonly cpu: number;
  readonly program: PortableProgram;
  /** Programs that it may tail call. */
  readonly others: readonly PortableProgram[];
  readonly times: number;
  readonly run: RunOptions;
  /** Milliseconds that all runs together may take. */
  readonly timeLimitMs: number | null;
  /** Index of the i32 that becomes non-zero when all may start. */
  readonly start: number;
}

/** To a worker: a task, or a program that it need not keep any more. */
export type ParallelRequest =
  | { readonly kind: 'run'; readonly task: ParallelTask }
  | { readonly kind: 'forget'; readonly program: number };

/** How a task ended. */
export interface ParallelResult {
  readonly runs: number;
  /** r0 of the last run. */
  readonly retval: number;
  readonly insns: number;
  readonly durationNs: number;
  readonly fault: Fault | null;
  readonly stopped: 'time-limit' | null;
}

/** From a worker: it waits for the start, or it is done. What it throws is told by name, since classes do not travel. */
export type ParallelReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: ParallelResult }
  | { readonly kind: 'failed'; readonly error: keyof typeof ERRORS | 'Error'; readonly message: string };

const ERRORS = { InputError, NotSupported, InvariantError } as const;

/** The other side's end of the line. */
export interface ParallelPort {
  post(reply: ParallelReply): void;
}

/** What a worker keeps from run to run. */
interface Place {
  readonly memory: KernelMemory;
  readonly programs: Adopted;
}

/** Runs, and instructions, between two looks at the clock. */
const CLOCK_EVERY = 256;
const CLOCK_INSNS = 1 << 20;

/** Answers requests, one after the other. */
export function serveParallel(port: ParallelPort): (request: ParallelRequest) => void {
  let place: Place | null = null;
  const run = (task: ParallelTask): ParallelResult => {
    place ??= open(task);
    const { memory, programs } = place;
    memory.setCpu(task.cpu);
    for (const other of task.others) programs.take(other);
    const runnable = programs.take(task.program);
    // Before anybody runs: all begin at the same time.
    memory.exports.clock_begin();
    port.post({ kind: 'ready' });
    Atomics.wait(new Int32Array(memory.memory.buffer), task.start, 0);
    return repeat(memory, runnable, task);
  };
  return (request) => {
    if (request.kind === 'forget') {
      place?.programs.forget(request.program);
      return;
    }
    try {
      port.post({ kind: 'done', result: run(request.task) });
    } catch (error) {
      const name = Object.entries(ERRORS).find(([, type]) => error instanceof type)?.[0] as keyof typeof ERRORS;
      const message = error instanceof Error ? error.message : String(error);
      port.post({ kind: 'failed', error: name ?? 'Error', message });
    }
  };
}

function open({ share, cpu }: ParallelTask): Place {
  const memory = KernelMemory.attach(share, cpu);
  return { memory, programs: new Adopted(memory) };
}

function repeat(memory: KernelMemory, runnable: AdoptedProgram, task: ParallelTask): ParallelResult {
  const { cpu, times, run, timeLimitMs } = task;
  const begin = performance.now();
  const end = timeLimitMs === null ? Number.POSITIVE_INFINITY : begin + timeLimitMs;
  let [runs, retval, insns] = [0, 0, 0];
  let fault: Fault | null = null;
  let stopped: ParallelResult['stopped'] = null;
  let options: RunOptions = { ...run, cpu };
  let clockAt = 0;
  while (runs < times && !fault) {
    if (timeLimitMs !== null && (runs % CLOCK_EVERY === 0 || insns >= clockAt)) {
      const left = end - performance.now();
      if (left <= 0) {
        stopped = 'time-limit';
        break;
      }
      clockAt = insns + CLOCK_INSNS;
      options = { ...run, cpu, timeLimitMs: Math.min(left, run.timeLimitMs ?? left) };
    }
    const outcome = runnable.run(options);
    memory.exports.clock_ran(outcome.insns);
    runs++;
    retval = outcome.retval;
    insns += outcome.insns;
    fault = outcome.fault;
  }
  // A program that was stopped half way may hold locks and be inside of read sections.
  if (fault) memory.exports.cpu_reset();
  return { runs, retval, insns, durationNs: Math.round((performance.now() - begin) * 1e6), fault, stopped };
}

/** The error that a reply tells of. */
export function errorOf({ error, message }: Extract<ParallelReply, { kind: 'failed' }>): Error {
  if (error === 'NotSupported') return new NotSupported(message.replace(/^not supported yet: /, ''));
  if (error === 'InputError') return new InputError('parallel', '', message);
  return new InvariantError(message);
}
