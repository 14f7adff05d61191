/** Judges tasks on all cores. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { InputError, InvariantError } from '../../errors.ts';
import type { Cell } from '../../report/matrix.ts';
import { judge, type Task } from './cells.ts';
import type { Answer } from './worker.ts';

/** Starting a thread costs about as much as this many tasks. */
const FEW = 40;
/** Each holds the BTF of three kernels: about 60 MB. */
const MOST = 8;

/** Cells in the tasks' order. `done` is told how many tasks are. */
export async function judgeAll(tasks: readonly Task[], done: (count: number) => void): Promise<Cell[]> {
  const threads = Math.min(availableParallelism(), MOST, Math.ceil(tasks.length / FEW));
  if (threads < 2) {
    return tasks.flatMap((task, i) => {
      const cells = judge(task);
      done(i + 1);
      return cells;
    });
  }
  const results: (readonly Cell[])[] = [];
  let next = 0;
  let count = 0;
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('matrix_worker.js', import.meta.url));
    try {
      while (next < tasks.length) {
        const i = next++;
        results[i] = await ask(worker, tasks[i] as Task);
        done(++count);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return results.flatMap((cells, i) => cells.map((cell) => ({ ...cell, column: (tasks[i] as Task).column })));
}

function ask(worker: Worker, task: Task): Promise<readonly Cell[]> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(new InvariantError(`matrix worker: ${error.message}`));
    worker.once('error', fail);
    worker.once('message', ({ cells, error }: Answer) => {
      worker.off('error', fail);
      if (cells) resolve(cells);
      else if (error?.bug === false)
        reject(new InputError(error.what, '', error.message.replace(`${error.what}: `, '')));
      else reject(new InvariantError(`${error?.what} on ${error?.where}: ${error?.message}`));
    });
    worker.postMessage(task);
  });
}
