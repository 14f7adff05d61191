/** The result of `explore --faults`: its JSON shape, and the text that people read. */
import type { FaultPoint } from '../explore/faults.ts';
import type { FailureKind } from '../kernel/fault.ts';
import { sourceReport } from './collect.ts';
import {
  type ExploreContext,
  type ExploreReport,
  type FindingReport,
  findingReport,
  findingTitle,
  threadReports,
} from './explore.ts';
import type { SourceReport } from './run.ts';
import { alignRows } from './table.ts';

/** A run in which one request failed. */
export interface FaultPointReport {
  /** What failed, by thread, program and instruction; null in the first row, where none failed. A callback has no thread. */
  readonly kind: FailureKind | null;
  readonly thread: number | null;
  readonly program: string | null;
  readonly insn: number | null;
  readonly source: SourceReport | null;
  /** What each program returned, as s32; null for those that did not come to an end. */
  readonly retvals: readonly (number | null)[];
  /** False: a program ran for too long to be waited for. */
  readonly ended: boolean;
  /** What `--replay` takes. */
  readonly schedule: string;
  readonly finding: FindingReport | null;
}

/** The line of `explore --faults --json`. */
export interface FaultsReport extends Pick<ExploreReport, 'object' | 'threads' | 'space'> {
  readonly faults: readonly FaultPointReport[];
}

export function faultsReport(points: readonly FaultPoint[], context: ExploreContext): FaultsReport {
  return {
    object: context.object,
    threads: threadReports(context),
    space: context.space,
    faults: points.map(({ program: id, finding, ...point }) => {
      const program = id === null ? undefined : context.machine.programById(id);
      return {
        ...point,
        program: program?.name ?? null,
        source: point.insn === null ? null : sourceReport(program, point.insn),
        finding: finding && findingReport(finding, context),
      };
    }),
  };
}

function outcome({ finding, ended }: FaultPointReport): string {
  if (!finding) return ended ? 'fine' : 'did not end';
  const { source } = finding;
  return `${findingTitle(finding)}${source ? ` (${source.file}:${source.line})` : ''}`;
}

/** A line each run. */
export function formatFaults({ faults }: FaultsReport): string {
  const rows = faults.map((point) => {
    const { kind, program, insn, source, retvals } = point;
    const unnamed = program === null ? '' : `${program}, insn ${insn}`;
    const place = source ? `${source.file}:${source.line}` : unnamed;
    return [kind ?? 'nothing', place, retvals.map((retval) => retval ?? '-').join(' '), outcome(point)];
  });
  return alignRows([['fails', 'where', 'returned', ''], ...rows]).join('\n');
}
