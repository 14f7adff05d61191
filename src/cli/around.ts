/** Programs that run alone around those that a command is about: --setup before them, --check behind. */
import type { Machine } from '../machine/machine.ts';
import type { BpfObject } from '../machine/object.ts';
import type { Program, ProgramRun } from '../machine/run.ts';
import { collectRun, nextWarning } from '../report/collect.ts';
import { readerOf } from '../report/maps.ts';
import { formatRun, type RunReport, runToJson } from '../report/run.ts';
import { isRejected } from './rejected.ts';
import { note, paintFor, print, printJson } from './terminal.ts';

export interface AroundFlags {
  readonly prog?: readonly string[];
  readonly setup?: readonly string[];
  readonly check?: string;
  readonly cpu: number;
  readonly json?: boolean;
}

/** Instructions after which one of them is taken to hang. */
const BUDGET = 2 ** 32;
/** The same where a ledger is taken, instruction by instruction. */
const LEDGER_BUDGET = 2 ** 26;

/** Programs to load where --prog names some: those, and what runs around them. */
export function loadedNames({ prog, setup = [], check }: AroundFlags): string[] | undefined {
  return prog && [...new Set([...setup, ...prog, ...(check === undefined ? [] : [check])])];
}

export interface Around {
  readonly setUps: readonly Program[];
  readonly check: Program | null;
}

export function around(object: BpfObject, { setup = [], check }: AroundFlags): Around {
  return {
    setUps: setup.map((name) => object.program(name)),
    check: check === undefined ? null : object.program(check),
  };
}

function runAlone(machine: Machine, program: Program, { cpu, json }: AroundFlags): [ProgramRun, RunReport] {
  const firstWarning = nextWarning(machine);
  const last = program.run({ cpu, budget: machine.ledger ? LEDGER_BUDGET : BUDGET });
  const totals = { last, times: 1, insns: last.insns, durationNs: last.durationNs, stopped: null };
  return [last, collectRun(machine, program, totals, { cpu, firstWarning, reader: readerOf(json) })];
}

function show(report: RunReport, { json }: AroundFlags): void {
  if (json) printJson(runToJson(report));
  else print(formatRun(report, paintFor(process.stdout)));
}

/** Runs them in order. False when one was rejected or faults, which is shown; what they return is told where it is not 0. */
export function runSetUps(machine: Machine, setUps: readonly Program[], flags: AroundFlags): boolean {
  return setUps.every((program) => {
    if (isRejected(program, flags)) return false;
    const [{ retval, fault }, report] = runAlone(machine, program, flags);
    if (fault) {
      show(report, flags);
      return false;
    }
    // A ledger is taken by running everything again.
    if (machine.ledger) return true;
    for (const text of [...report.printk, ...report.warnings]) note(`${program.name}: ${text}`);
    if (retval !== 0) note(`${program.name} returned ${retval | 0}; the rest runs after that`);
    return true;
  });
}

/** Runs it, with nothing made to fail, and shows its report. False when it was rejected, faults, or does not return 0. */
export function runCheck(machine: Machine, program: Program, flags: AroundFlags): boolean {
  if (!flags.json) print('');
  if (isRejected(program, flags)) return false;
  machine.faults.plan({});
  const [{ retval, fault }, report] = runAlone(machine, program, flags);
  show(report, flags);
  if (!fault && retval !== 0) note(`check failed: ${program.name} returned ${retval | 0}`);
  return !fault && retval === 0;
}
