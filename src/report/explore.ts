/** The result of `explore`: its JSON shape, and the text that people read. */
import type { Exploration, ExploredFinding, TraceStep } from '../explore/explore.ts';
import type { FaultPoint } from '../explore/faults.ts';
import type { MaskAccess, ThreadSpec } from '../explore/space.ts';
import type { Machine } from '../machine/machine.ts';
import { faultNames, sourceReport } from './collect.ts';
import { faultLines } from './fault.ts';
import type { SourceReport } from './run.ts';
import { alignRows, duration, plural, thousands } from './table.ts';

/** Widest source text of a column. */
const COLUMN = 52;

export interface ScheduleRow {
  /** Thread, in the order of the options; null: a grace period ended. */
  readonly thread: number | null;
  readonly line: number | null;
  readonly text: string;
  /** Part of an operation on whole masks, or an allocation that failed: `reads`, `writes CPUs 64-127`, `NULL`; else empty. */
  readonly note: string;
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
  readonly rows: readonly ScheduleRow[];
}

/** One line of `explore --json`. */
export interface ExploreReport {
  readonly object: string;
  readonly threads: readonly { readonly cpu: number; readonly program: string; readonly irq: boolean }[];
  /** What was explored, within which bounds: equal for the shards of one exploration. */
  readonly space: string;
  readonly schedules: number;
  /** Paths left early: another order of what was tried. */
  readonly redundant: number;
  readonly steps: number;
  readonly exhausted: boolean;
  /** Null: the whole space. */
  readonly shard: string | null;
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
  const { schedules, redundant, steps, exhausted, durationMs, findings } = exploration;
  return {
    object: context.object,
    threads: threadReports(context),
    space: context.space,
    schedules,
    redundant,
    steps,
    exhausted,
    shard: context.shard,
    durationMs: Math.round(durationMs * 10) / 10,
    findings: findings.map((finding) => findingReport(finding, context)),
  };
}

export function findingReport(finding: ExploredFinding, { machine, threads }: ExploreContext): FindingReport {
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
    rows: scheduleRows(finding.trace, threads),
  };
}

function partText({ writes, word, words }: MaskAccess): string {
  const what = writes ? 'writes' : 'reads';
  return words === 1 ? what : `${what} CPUs ${64 * word}-${64 * word + 63}`;
}

/** Source lines in the order of the schedule: those that touch what another program touches, and where each goes on. */
function scheduleRows(trace: readonly TraceStep[], threads: readonly ThreadSpec[]): ScheduleRow[] {
  const rows: ScheduleRow[] = [];
  for (const { process, insn, shared, part, failed } of trace) {
    const thread = threads[process];
    if (!thread) {
      rows.push({ thread: null, line: null, text: 'a grace period ends', note: '' });
      continue;
    }
    if (!shared && !failed) continue;
    const source = thread.program.sourceOf(insn);
    const row = {
      thread: process,
      line: source?.line ?? null,
      text: source?.text.trim() ?? `insn ${insn}`,
      note: failed ? 'NULL' : part ? partText(part) : '',
    };
    const last = rows.at(-1);
    if (last?.thread === process && last.line === row.line && last.note === row.note) continue;
    rows.push(row);
  }
  return rows;
}

function cell({ line, text, note }: ScheduleRow): string {
  const short = text.length > COLUMN ? `${text.slice(0, COLUMN - 3)}...` : text;
  return `${String(line ?? '').padStart(4)}  ${note ? `${note}: ` : ''}${short}`;
}

/** The schedule as a table, a column each thread. */
function scheduleTable(rows: readonly ScheduleRow[], threads: ExploreReport['threads']): string[] {
  const header = threads.map(({ cpu, program, irq }) => `CPU ${cpu}  ${program}${irq ? ' (interrupt)' : ''}`);
  const cells = rows.map((row) =>
    threads.map((_, i) => {
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

export function findingLines(finding: FindingReport, threads: ExploreReport['threads']): string[] {
  const { kind, message, source, details, rows, schedule, preemptions } = finding;
  const where = source ? [`  ${source.file}:${source.line}: ${source.text.trim()}`] : [];
  return [
    `${TITLES[kind] ?? kind}: ${message}`,
    ...(details.length > 0 ? details : where),
    '',
    ...scheduleTable(rows, threads),
    '',
    `  ${plural(preemptions, 'preemption')}; see it again with --replay ${schedule}`,
  ];
}

/** The report for people. */
export function formatExploration(report: ExploreReport): string {
  const { schedules, redundant, exhausted, durationMs, findings, threads, shard } = report;
  const share = shard === null ? '' : ` of shard ${shard}`;
  const extent = exhausted ? `every order that differs${share}` : `not all${share}: the limit was reached`;
  const again = redundant > 0 ? `, ${thousands(redundant)} left early` : '';
  const summary = `${plural(schedules, 'schedule')} (${extent}${again}) in ${duration(durationMs * 1e6)}: ${
    findings.length === 0 ? 'nothing wrong' : plural(findings.length, 'finding')
  }`;
  return [...findings.flatMap((finding) => [...findingLines(finding, threads), '']), summary].join('\n');
}

/** The runs with a failing allocation, a line each. */
export function faultPointLines(points: readonly FaultPoint[], { threads }: ExploreContext): string[] {
  const rows = points.map(({ thread, insn, retvals, finding }) => {
    const program = thread === null ? undefined : threads[thread]?.program;
    const source = insn === null ? null : program?.sourceOf(insn);
    const place = program ? `${source ? `${source.file}:${source.line}` : `${program.name}, insn ${insn}`}` : 'nothing';
    const returned = retvals.map((retval) => retval ?? '-').join(' ');
    return [place, returned, finding ? `${TITLES[finding.kind] ?? finding.kind}: ${finding.text}` : 'fine'];
  });
  return alignRows([['fails', 'returned', ''], ...rows]);
}
