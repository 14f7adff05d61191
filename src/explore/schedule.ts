/**
 * Schedules as text, `0:17,1:23~2,0:4!1,gp,timers[0].timer:9`: thread or callback and instructions, where a step ends, and what it
 * was dealt.
 */
import { InputError } from '../errors.ts';
import type { ScheduleStep } from './search.ts';

const GRACE_PERIOD = 'gp';
const STEP = /^(\d{1,2}|[A-Za-z_.][\w.[\]@]{0,99}):(\d{1,9})(?:~(\d{1,6}))?(?:!(\d{1,5}))?$/;
/** Steps of a schedule that is given. */
const MAX_STEPS = 65536;

/** Processes by what schedules call them. */
export interface ProcessNames {
  /** Number of grace periods: that of threads is smaller, that of callbacks greater. */
  readonly rcu: number;
  callbackName(process: number): string;
  /** Null when there is none of that name. */
  callbackNamed(name: string): number | null;
}

/** `~n`: behind the n-th access of an operation on whole masks; `!n`: its n-th allocation gives NULL; `gp`: a grace period ends. */
export function scheduleText(steps: readonly ScheduleStep[], names: ProcessNames): string {
  return merge(steps)
    .map(({ process, insns, within, fail }) => {
      if (process === names.rcu) return GRACE_PERIOD;
      const name = process < names.rcu ? process : names.callbackName(process);
      return `${name}:${insns}${within ? `~${within}` : ''}${fail ? `!${fail}` : ''}`;
    })
    .join(',');
}

/** Steps of one process that follow each other, as one where nothing is lost by it. */
export function merge(steps: readonly ScheduleStep[]): ScheduleStep[] {
  const merged: ScheduleStep[] = [];
  for (const step of steps) {
    const last = merged.at(-1);
    const begins = step.insns === 0 && step.within === 0;
    if (last && last.process === step.process && !last.fail && !step.fail && !begins) {
      merged[merged.length - 1] = { ...step, insns: last.insns + step.insns };
    } else merged.push(step);
  }
  return merged;
}

/** @throws InputError for what is no schedule of these processes */
export function parseSchedule(text: string, names: ProcessNames): ScheduleStep[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.length > MAX_STEPS) throw new InputError('schedule', '', `has more than ${MAX_STEPS} steps`);
  return words.map((word) => {
    if (word === GRACE_PERIOD) return { process: names.rcu, insns: 0, within: 0, fail: 0 };
    const [, name = '', insns, within = 0, fail = 0] = STEP.exec(word) ?? [];
    if (name === '') throw new InputError('schedule', '', `"${word}" is no step; write thread:instructions, or gp`);
    const process = processNamed(name, names);
    if (process === null) {
      const threads = names.rcu === 1 ? 'is thread 0 alone' : `are threads 0-${names.rcu - 1}`;
      const there = /^\d/.test(name)
        ? `thread ${Number(name)}; there ${threads}`
        : `no timer or work item that can start`;
      throw new InputError('schedule', '', `"${word}" names ${there}`);
    }
    return { process, insns: Number(insns), within: Number(within), fail: Number(fail) };
  });
}

function processNamed(name: string, names: ProcessNames): number | null {
  if (!/^\d/.test(name)) return names.callbackNamed(name);
  return Number(name) < names.rcu ? Number(name) : null;
}
