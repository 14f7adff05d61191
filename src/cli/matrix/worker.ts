/** A thread that judges cells: it gets tasks one at a time, and answers each with its cells or with what went wrong. */
import { parentPort } from 'node:worker_threads';
import { InputError } from '../../errors.ts';
import type { Cell } from '../../report/matrix.ts';
import { judge, type Task } from './cells.ts';

export interface Answer {
  readonly cells: readonly Cell[] | null;
  /** Mistakes of the user are told as such; the rest are our bugs. */
  readonly error: {
    readonly what: string;
    readonly where: string;
    readonly message: string;
    readonly bug: boolean;
  } | null;
}

parentPort?.on('message', (task: Task) => {
  let answer: Answer;
  try {
    answer = { cells: judge(task), error: null };
  } catch (error) {
    const isInput = error instanceof InputError;
    const message = error instanceof Error ? (isInput ? error.message : (error.stack ?? error.message)) : String(error);
    answer = { cells: null, error: { what: task.path, where: task.column.label, message, bug: !isInput } };
  }
  parentPort?.postMessage(answer);
});
