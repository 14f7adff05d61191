/** What may bound a run. */
import { InputError } from '../errors.ts';

/** Timers of the host take no more: 24 days. A worker has some seconds more to come back. */
const MAX_MS = 2 ** 31 - 10_000;

/** @throws InputError for a budget that is no count of instructions */
export function checkBudget(budget: number | undefined): void {
  if (budget === undefined || (Number.isSafeInteger(budget) && budget > 0)) return;
  throw new InputError(`${budget}`, 'budget', 'give a whole number of instructions, from 1 on');
}

/** @throws InputError for a limit that nothing could keep */
export function checkTimeLimit(timeLimitMs: number | undefined): void {
  if (timeLimitMs === undefined || (timeLimitMs >= 1 && timeLimitMs <= MAX_MS)) return;
  throw new InputError(
    `${timeLimitMs}`,
    'timeLimitMs',
    `give milliseconds from 1 to ${MAX_MS}, or nothing for no limit`,
  );
}
