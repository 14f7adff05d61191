/** The result of `explore`: its JSON shape, and the text that people read. */
import type { CallbackRun } from '../explore/callbacks.ts';
import type { Bounds, Exploration, ExploredFinding } from '../explore/explore.ts';
import type { ThreadSpec } from '../explore/space.ts';
import type { TraceStep } from '../explore/trace.ts';
import type { MaskAccess } from '../explore/wide.ts';
import type { Machine } from '../machine/machine.ts';
import { faultNames, sourceReport } from './collect.ts';
import { extentText } from './extent.ts';
import { faultLines } from './fault.ts';
import type { SourceReport } from './run.ts';
import { alignRows, duration, plural } from './table.ts';

/** Widest source text of a column. */
const COLUMN = 52;

export interface ScheduleRow {
  /** Thread, in the order of the options, and behind those the finding's callbacks; null: a grace period ended. */
  readonly thread: number | null;
  readonly line: number | null;
  readonly text: string;
  /** Part of an operation on whole masks, or an allocation that failed: `reads`, `writes CPUs 64-127`, `NULL`; else empty. */
  readonly note: string;
}

/** A callback of a timer or work item that a schedule runs. */
export interface CallbackReport {
  readonly cpu: number;
  readonly kind: string;
  /** Its function. */
  readonly name: string;
  /** Program that set it. */
  readonly program: string;
}

export interface FindingReport {
  readonly kind: string;
  readonly message: string;
  readonly program: string | null;
  readonly insn: number | null;
  readonly source: SourceReport | null;
  readonly details: readonly string[];
  /** What `--replay` takes. */
  readonly schedule: string;
  readonly preemptions: number;
  readonly callbacks: readonly CallbackReport[];
  readonly rows: readonly ScheduleRow[];
}

/** One line of `explore --json`. */
export interface ExploreReport {
  readonly object: string;
  readonly threads: readonly { readonly cpu: number; readonly program: string; readonly irq: boolean }[];
  /** What was explored, within which bounds: equal for the shards of one exploration. */
  readonly space: string;
  readonly bounds: Bounds;
  readonly schedules: number;
  /** Paths left early: another order of what was tried. */
  readonly redundant: number;
  readonly steps: number;
  /** Paths that were left because they are too long to go back on. */
  readonly tooLong: number;
  /** Every order within the bounds was tried. */
  readonly exhausted: boolean;
  /** Why it ended before that: `limit`, `findings` or `interrupted`; null: it did not. */
  readonly stopped: Exploration['stopped'];
  /** A timer or work item would have begun more callbacks than it may. */
  readonly cut: boolean;
  /** Null: the whole space. */
  readonly shard: string | null;
  /** Equal in shards that divide the space alike; null: the whole space. */
  readonly division: string | null;
  readonly durationMs: number;
  readonly findings: readonly FindingReport[];
}

export interface ExploreContext {
  readonly object: string;
  readonly machine: Machine;
  readonly threads: readonly ThreadSpec[];
  readonly space: string;
  readonly shard: string | null;
}

/** What runs where. */
export function threadReports({ threads }: ExploreContext): ExploreReport['threads'] {
  return threads.map(({ cpu, program, irq }) => ({ cpu, program: program.name, irq: irq ?? false }));
}

export function exploreReport(exploration: Exploration, context: ExploreContext): ExploreReport {
  const { findings, durationMs, bounds, schedules, redundant, steps, tooLong, exhausted, stopped, cut } = exploration;
  return {
    object: context.object,
    threads: threadReports(context),
    space: context.space,
    bounds,
    schedules,
    redundant,
    steps,
    tooLong,
    exhausted,
    stopped,
    cut,
    shard: context.shard,
    division: exploration.division,
    durationMs: Math.round(durationMs * 10) / 10,
    findings: findings.map((finding) => findingReport(finding, context)),
  };
}

export function findingReport(finding: ExploredFinding, context: ExploreContext): FindingReport {
  const { machine } = context;
  const program = finding.site ? machine.programById(finding.site.program) : undefined;
  const [message = finding.text, ...details] = finding.fault
    ? faultLines(finding.fault, faultNames(machine))
    : [finding.text];
  return {
    kind: finding.kind,
    message,
    program: program?.name ?? null,
    insn: finding.site?.insn ?? null,
    source: finding.site ? sourceReport(program, finding.site.insn) : null,
    details,
    schedule: finding.schedule,
    preemptions: finding.preemptions,
    ...scheduleRows(finding.trace, context),
  };
}

function partText({ writes, word, words }: MaskAccess): string {
  const what = writes ? 'writes' : 'reads';
  return words === 1 ? what : `${what} CPUs ${64 * word}-${64 * word + 63}`;
}

const BEGINS: Readonly<Record<CallbackRun['kind'], string>> = { timer: 'the timer expires', work: 'the work begins' };

/** Source lines in the order of the schedule: those that touch what another program touches, and where each goes on. */
function scheduleRows(
  trace: readonly TraceStep[],
  { machine, threads }: ExploreContext,
): Pick<FindingReport, 'callbacks' | 'rows'> {
  const columns = new Map<string, CallbackReport>();
  /** Column of a step; null: it is nobody's. */
  const columnOf = ({ process, callback }: TraceStep): number | null => {
    if (process < threads.length) return process;
    if (!callback) return null;
    const { cpu, kind, name, program } = callback;
    const key = `${process} ${cpu} ${program.id} ${name}`;
    columns.set(key, { cpu, kind, name, program: program.name });
    return threads.length + [...columns.keys()].indexOf(key);
  };
  const rows: ScheduleRow[] = [];
  for (const step of trace) {
    const { callback, insn, shared, part, failed } = step;
    const thread = columnOf(step);
    if (insn < 0) {
      const text = callback ? BEGINS[callback.kind] : 'a grace period ends';
      rows.push({ thread, line: null, text, note: '' });
      continue;
    }
    if (!shared && !failed) continue;
    const source = machine.programById(step.program)?.sourceOf(insn);
    const row = {
      thread,
      line: source?.line ?? null,
      text: source?.text.trim() ?? `insn ${insn}`,
      note: failed ? 'NULL' : part ? partText(part) : '',
    };
    const last = rows.at(-1);
    if (last?.thread === thread && last.line === row.line && last.note === row.note) continue;
    rows.push(row);
  }
  return { callbacks: [...columns.values()], rows };
}

function cell({ line, text, note }: ScheduleRow): string {
  const short = text.length > COLUMN ? `${text.slice(0, COLUMN - 3)}...` : text;
  return `${String(line ?? '').padStart(4)}  ${note ? `${note}: ` : ''}${short}`;
}

/** The schedule as a table, a column each thread and callback. */
function scheduleTable({ rows, callbacks }: FindingReport, threads: ExploreReport['threads']): string[] {
  const header = [
    ...threads.map(({ cpu, program, irq }) => `CPU ${cpu}  ${program}${irq ? ' (interrupt)' : ''}`),
    ...callbacks.map(({ cpu, kind, name }) => `CPU ${cpu}  ${kind} ${name}`),
  ];
  const cells = rows.map((row) =>
    header.map((_, i) => {
      if (row.thread === null) return i === 0 ? `      -- ${row.text} --` : '';
      return row.thread === i ? cell(row) : '';
    }),
  );
  return alignRows([header, ...cells]).map((line) => `  ${line}`);
}

const TITLES: Readonly<Record<string, string>> = {
  fault: 'fault',
  warning: 'kernel warning',
  'lost-update': 'lost update',
  leak: 'leak',
  assertion: 'assertion',
  check: 'check failed',
  deadlock: 'deadlock',
};

/** `leak: a bpf_cpumask is still allocated, and no map leads to it` */
export function findingTitle({ kind, message }: Pick<FindingReport, 'kind' | 'message'>): string {
  return `${TITLES[kind] ?? kind}: ${message}`;
}

export function findingLines(finding: FindingReport, threads: ExploreReport['threads']): string[] {
  const { source, details, schedule, preemptions } = finding;
  const where = source ? [`  ${source.file}:${source.line}: ${source.text.trim()}`] : [];
  return [
    findingTitle(finding),
    ...(details.length > 0 ? details : where),
    '',
    ...scheduleTable(finding, threads),
    '',
    `  ${plural(preemptions, 'preemption')}; see it again with --replay ${schedule}`,
  ];
}

/** The report for people. */
export function formatExploration(report: ExploreReport): string {
  const { schedules, exhausted, durationMs, findings, threads, shard } = report;
  const extent = extentText(report, shard === null ? '' : ` of shard ${shard}`);
  const nothing = `nothing wrong${exhausted ? '' : ' so far'}`;
  const outcome = findings.length === 0 ? nothing : plural(findings.length, 'finding');
  const summary = `${plural(schedules, 'schedule')} (${extent}) in ${duration(durationMs * 1e6)}: ${outcome}`;
  return [...findings.flatMap((finding) => [...findingLines(finding, threads), '']), summary].join('\n');
}
