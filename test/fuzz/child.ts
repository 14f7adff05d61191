/** A process that runs fuzz cases one after the other and tells its parent of each: what happens to it happens to nobody else. */
import { bytesOf, type FuzzWorld, makeCase, type Outcome, runObject } from './case.ts';

/** Cases `from` to `to` - 1, in steps of `step`. */
export interface Job {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

export type Message =
  | { readonly kind: 'started'; readonly number: number }
  | {
      readonly kind: 'ended';
      readonly number: number;
      readonly outcome: Outcome;
      /** CPU time of the whole process during the case. */
      readonly cpuMs: number;
      /** Most memory that the process ever had, bytes. */
      readonly peak: number;
    }
  | { readonly kind: 'failed'; readonly number: number; readonly text: string };

/** Sends and waits until it is on its way: a case that hangs must not keep back the message that says which one it is. */
function tell(message: Message): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) throw new Error('this process has no parent to report to');
    process.send(message, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

export async function runCases(world: FuzzWorld, { seed, from, to, step }: Job): Promise<void> {
  for (let number = from; number < to; number += step) {
    await tell({ kind: 'started', number });
    const one = makeCase(world, seed, number);
    const before = process.cpuUsage();
    try {
      const outcome = runObject(world, bytesOf(one), one.seed.name);
      const { user, system } = process.cpuUsage(before);
      const peak = process.resourceUsage().maxRSS * 1024;
      await tell({ kind: 'ended', number, outcome, cpuMs: (user + system) / 1000, peak });
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      await tell({ kind: 'failed', number, text });
    }
  }
}
