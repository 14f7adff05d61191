/** Schedules as text, `0:17,1:23~2,0:4!1,gp`: thread and instructions, where a step ends, and what it was dealt. */
import { InputError } from '../errors.ts';
import type { ScheduleStep } from './search.ts';

const GRACE_PERIOD = 'gp';
const STEP = /^(\d{1,2}):(\d{1,9})(?:~(\d{1,6}))?(?:!(\d{1,4}))?$/;
/** Steps of a schedule that is given. */
const MAX_STEPS = 65536;

/** `~n`: behind the n-th access of an operation on whole masks; `!n`: its n-th allocation gives NULL; `gp`: a grace period ends. */
export function scheduleText(steps: readonly ScheduleStep[], rcu: number): string {
  return merge(steps)
    .map(({ process, insns, within, fail }) =>
      process === rcu ? GRACE_PERIOD : `${process}:${insns}${within ? `~${within}` : ''}${fail ? `!${fail}` : ''}`,
    )
    .join(',');
}

/** Steps of one thread that follow each other, as one where nothing is lost by it. */
export function merge(steps: readonly ScheduleStep[]): ScheduleStep[] {
  const merged: ScheduleStep[] = [];
  for (const step of steps) {
    const last = merged.at(-1);
    if (last && last.process === step.process && !last.fail && !step.fail) {
      merged[merged.length - 1] = { ...step, insns: last.insns + step.insns };
    } else merged.push(step);
  }
  return merged;
}

/** @throws InputError for what is no schedule of so many threads */
export function parseSchedule(text: string, threads: number): ScheduleStep[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.length > MAX_STEPS) throw new InputError('schedule', '', `has more than ${MAX_STEPS} steps`);
  return words.map((word) => {
    if (word === GRACE_PERIOD) return { process: threads, insns: 0, within: 0, fail: 0 };
    const [, process, insns, within = 0, fail = 0] = STEP.exec(word) ?? [];
    if (process === undefined || Number(process) >= threads) {
      throw new InputError('schedule', '', `"${word}" is no step; write thread:instructions, or gp`);
    }
    return { process: Number(process), insns: Number(insns), within: Number(within), fail: Number(fail) };
  });
}
