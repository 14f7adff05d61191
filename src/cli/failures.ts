/** Options that make what programs ask the kernel for fail. */
import { InputError } from '../errors.ts';
import { FAILURE_KINDS, FAILURES, type FailureKind } from '../kernel/fault.ts';
import type { Machine } from '../machine/machine.ts';
import { alignRows, thousands } from '../report/table.ts';
import { note } from './terminal.ts';

export interface FailureFlags {
  readonly fail?: FailPlan;
  readonly failRate?: number;
  readonly delayRefill?: boolean;
}

interface FailPlan {
  /** Absent: any. */
  readonly kind?: FailureKind;
  readonly nth: number;
}

/** `create:2` -> the second mask */
export function failPlan(text: string): FailPlan {
  const [, what = '', nth = ''] = /^(\w+):(\d{1,9})$/.exec(text) ?? [];
  const kind = FAILURE_KINDS.find((name) => name === what);
  if (!(kind || what === 'any') || Number(nth) < 1) {
    const names = [...FAILURE_KINDS, 'any'].join(', ');
    throw new InputError(
      '--fail',
      '',
      `"${text}" names nothing that can fail; write create:1 for the first of ${names}`,
    );
  }
  return { nth: Number(nth), ...(kind ? { kind } : {}) };
}

/** The kinds of --fail, for --help. */
export function failureLines(): string[] {
  const rows = FAILURE_KINDS.map((kind) => [`  ${kind}`, FAILURES[kind].what, FAILURES[kind].gives]);
  return ['What can fail, and what the program gets then:', '', ...alignRows(rows)];
}

export function share(text: string): number {
  const value = /^(0|1|0?\.\d+|1\.0+)$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new InputError('--fail-rate', '', `"${text}" is no share from 0 to 1`);
  return value;
}

export function injectFaults(machine: Machine, { fail, failRate, delayRefill }: FailureFlags): void {
  if (fail || failRate !== undefined)
    machine.faults.plan({ ...fail, ...(failRate === undefined ? {} : { rate: failRate }) });
  if (delayRefill) machine.rcu.irqWorkDelayed = true;
}

/** Says when what was to fail was never asked for. */
export function noteUnreached({ faults }: Machine, { fail, failRate }: FailureFlags): void {
  const { calls } = faults;
  if (fail && calls < fail.nth) {
    const { kind = 'any', nth } = fail;
    note(
      `--fail ${kind}:${nth} was not reached: ${calls === 0 ? 'none was' : `only ${thousands(calls)} ${calls === 1 ? 'was' : 'were'}`} asked for`,
    );
  } else if (failRate && calls === 0) note('--fail-rate had nothing to fail: nothing that can was asked for');
}
