/** What a parallel run cannot be asked for. */
import { InputError, NotSupported } from '../errors.ts';
import { checkTimeLimit } from './limits.ts';
import type { Machine } from './machine.ts';
import type { ParallelJob, ParallelOptions } from './parallel.ts';

/** CPUs, and so threads, of one parallel run. */
const MAX_JOBS = 256;

const refuse = (what: string, message: string): never => {
  throw new InputError('parallel', what, message);
};

/** A number that has to be a whole one from 1 on, where it is given. */
function checkCount(what: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
    refuse(what, `${value} is not a whole number from 1 on`);
  }
}

function checkProgram(machine: Machine, { cpu, program }: ParallelJob): void {
  if (program.machine !== machine) refuse(`cpu ${cpu}`, `${program.name} is a program of another machine`);
  if (machine.programById(program.id) !== program) refuse(`cpu ${cpu}`, `${program.name} was disposed of`);
}

function checkTask(machine: Machine, { cpu, task }: ParallelJob): void {
  if (!task || machine.tasks.get(task.pid) === task) return;
  refuse(`cpu ${cpu}`, `task ${task.pid} is none of this machine, or has exited`);
}

function checkTwice(what: string, values: readonly (number | undefined)[]): void {
  const seen = new Set<number>();
  for (const value of values) {
    if (value === undefined) continue;
    if (seen.has(value)) refuse(`${what} ${value}`, 'two jobs have it; each has one of its own');
    seen.add(value);
  }
}

/** @throws InputError, NotSupported without shared memory */
export function checkJobs(
  machine: Machine,
  jobs: readonly ParallelJob[],
  { timeLimitMs }: ParallelOptions,
  disposed: boolean,
): void {
  const { memory } = machine.memory;
  if (disposed) refuse('', 'the machine was disposed of');
  if (!(typeof SharedArrayBuffer === 'function' && memory.buffer instanceof SharedArrayBuffer)) {
    throw new NotSupported('parallel runs without shared memory (a page has to be cross-origin isolated)');
  }
  if (jobs.length === 0) refuse('', 'there are no jobs; give one for each CPU');
  if (jobs.length > MAX_JOBS) refuse('', `${jobs.length} jobs are more than ${MAX_JOBS}`);
  checkCount('timeLimitMs', timeLimitMs);
  checkTimeLimit(timeLimitMs);
  for (const job of jobs) {
    checkProgram(machine, job);
    machine.cpu(job.cpu);
    checkTask(machine, job);
    checkCount('times', job.times);
    checkCount('budget', job.budget);
  }
  checkTwice(
    'cpu',
    jobs.map(({ cpu }) => cpu),
  );
  checkTwice(
    'task',
    jobs.map(({ task }) => task?.pid),
  );
}
