/** The parent's side: sees to it that each case ends in its time and in bounded memory, and says which one did not. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Job, Message } from './child.ts';

export interface Limits {
  /** Wall time of a case, after which its process is killed. */
  readonly wallMs: number;
  /** CPU time that a case may take. */
  readonly cpuMs: number;
  /** Memory that the process of a case may ever have had, bytes. */
  readonly memory: number;
}

export type Ended = Extract<Message, { kind: 'ended' }>;

/** What a process did: the cases that ended in bounds, those that failed, and the one that went over a limit, if any. */
export interface JobResult {
  readonly ended: readonly Ended[];
  readonly failed: readonly { readonly number: number; readonly why: string }[];
  readonly over: { readonly number: number; readonly why: string } | null;
}

const MIB = 1 << 20;
const LOOK_EVERY_MS = 50;

/** Memory of a running process, bytes; 0 where the system does not tell (the child tells its peak after each case anyway). */
function memoryOf(child: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // no /proc on this system, or the process has just ended
  }
}

/**
 * Runs a job in a process of its own (`entry` gets the job as its last argument, JSON) until its end or until a case goes over
 * a limit. A process that dies counts against the case that it was in.
 */
export function runJob(entry: string, job: Job, limits: Limits): Promise<JobResult> {
  return new Promise((resolve) => {
    const child = fork(entry, ['child', JSON.stringify(job)], { serialization: 'advanced' });
    const ended: Ended[] = [];
    const failed: { number: number; why: string }[] = [];
    let over: JobResult['over'] = null;
    let current = job.from;
    let since = Number.POSITIVE_INFINITY;
    const stop = (number: number, why: string) => {
      over ??= { number, why };
      child.kill('SIGKILL');
    };
    const timer = setInterval(() => {
      if (performance.now() - since > limits.wallMs) stop(current, `did not end in ${limits.wallMs} ms`);
      const memory = memoryOf(child);
      if (memory > limits.memory) stop(current, `memory grew to ${Math.round(memory / MIB)} MiB`);
    }, LOOK_EVERY_MS);
    child.on('message', (message: Message) => {
      if (over) return;
      if (message.kind === 'started') {
        current = message.number;
        since = performance.now();
        return;
      }
      since = Number.POSITIVE_INFINITY;
      if (message.kind === 'failed') failed.push({ number: message.number, why: message.text });
      else if (message.peak > limits.memory) {
        stop(message.number, `memory grew to ${Math.round(message.peak / MIB)} MiB`);
      } else if (message.cpuMs > limits.cpuMs) stop(message.number, `took ${Math.round(message.cpuMs)} ms`);
      else ended.push(message);
    });
    child.on('error', (error) => stop(current, `its process did not start: ${error.message}`));
    child.on('exit', (code, signal) => {
      clearInterval(timer);
      if (code !== 0) over ??= { number: current, why: `its process died of ${signal ?? `exit status ${code}`}` };
      resolve({ ended, failed, over });
    });
  });
}
