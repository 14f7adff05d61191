/** What `explore --shard i/n --json` printed for each part, put together to what the whole exploration is. */
import { InputError } from '../errors.ts';
import type { Bounds } from '../explore/explore.ts';
import type { CallbackReport, ExploreReport, FindingReport, ScheduleRow } from './explore.ts';
import { checkShards, jsonLines } from './shards.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value);
const isFlag: Check = (value) => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** An object that has these fields; a field more in `T` does not compile. */
const record =
  <T>(fields: { readonly [K in keyof T]-?: Check }): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries<Check>(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const isSource = record<NonNullable<FindingReport['source']>>({ file: isText, line: isCount, text: isText });
const isRow = record<ScheduleRow>({ thread: orNull(isCount), line: orNull(isCount), text: isText, note: isText });
const isCallback = record<CallbackReport>({ cpu: isCount, kind: isText, name: isText, program: isText });
const isFinding = record<FindingReport>({
  kind: isText,
  message: isText,
  program: orNull(isText),
  insn: orNull(isCount),
  source: orNull(isSource),
  details: listOf(isText),
  schedule: isText,
  preemptions: isCount,
  callbacks: listOf(isCallback),
  rows: listOf(isRow),
});
const isBounds = record<Bounds>({
  preemptions: orNull(isCount),
  failures: isCount,
  callbacks: isCount,
  limit: isCount,
  reduce: isFlag,
});
const isStop: Check = (value) => ['limit', 'findings', 'interrupted', 'parts'].some((word) => word === value);
const isReport = record<ExploreReport>({
  object: isText,
  threads: listOf(record<ExploreReport['threads'][number]>({ cpu: isCount, program: isText, irq: isFlag })),
  space: isText,
  bounds: isBounds,
  schedules: isCount,
  redundant: isCount,
  steps: isCount,
  tooLong: isCount,
  exhausted: isFlag,
  stopped: orNull(isStop),
  cut: isFlag,
  shard: orNull((value) => typeof value === 'string' && /^\d{1,6}\/\d{1,6}$/.test(value)),
  division: orNull(isText),
  durationMs: isCount,
  findings: listOf(isFinding),
});

/**
 * The report of the whole.
 * @throws InputError when the lines are not the results of all shards of one exploration
 */
export function mergeExplorations(files: readonly { readonly path: string; readonly text: string }[]): ExploreReport {
  const parts = jsonLines(files).map(({ where, value }) => {
    if (!isReport(value)) throw new InputError(where, '', 'is no result of explore --json');
    return { where, report: value as ExploreReport };
  });
  checkShards(parts.map(({ where, report: { space, shard } }) => ({ where, run: space, shard })));
  const reports = parts.map(({ report }) => report);
  const [first] = reports as [ExploreReport];
  const sum = (of: (report: ExploreReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const alike = reports.every(({ division }) => division === first.division);
  return {
    ...first,
    shard: null,
    division: null,
    schedules: sum(({ schedules }) => schedules),
    redundant: sum(({ redundant }) => redundant),
    steps: sum(({ steps }) => steps),
    tooLong: sum(({ tooLong }) => tooLong),
    stopped: reports.find(({ stopped }) => stopped)?.stopped ?? (alike ? null : 'parts'),
    exhausted: alike && reports.every(({ exhausted }) => exhausted),
    cut: reports.some(({ cut }) => cut),
    durationMs: sum(({ durationMs }) => durationMs),
    findings: simplest(reports.flatMap(({ findings }) => findings)),
  };
}

/** Each finding once, with the schedule of the fewest preemptions that any part has for it. */
function simplest(findings: readonly FindingReport[]): FindingReport[] {
  const found = new Map<string, FindingReport>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.kind, finding.message, finding.program, finding.insn]);
    const other = found.get(key);
    if (!other || finding.preemptions < other.preemptions) found.set(key, finding);
  }
  return [...found.values()];
}
