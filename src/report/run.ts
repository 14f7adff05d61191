/** The result of `run`: its JSON shape, and the text that people read. */
import { type BtfValue, EnumValue } from '../btf/values.ts';
import { isMask, showValue } from '../machine/show_value.ts';
import type { ObjectsReport } from './leaks.ts';
import { alignRows, duration, plural, thousands } from './table.ts';

/** A kptr to a CPU mask, in a map value or a global variable. */
export interface MaskReport {
  readonly type: string;
  /** As the kernel's cpulist prints them: "0-3,8"; "" is the empty mask. */
  readonly cpus: string;
  /** References that exist. */
  readonly refs: number;
}

export interface KptrReport extends MaskReport {
  /** Byte offset in the map value. */
  readonly offset: number;
}

export interface EntryReport {
  /** Hex of memory, as a lookup from user space gives it. Queues and stacks have no key: ""; what is shown decoded no value. */
  readonly key: string;
  readonly value: string;
  readonly kptrs: readonly KptrReport[];
  /** Decoded by the object's BTF, for people; not in the JSON. */
  readonly shown?: { readonly key: BtfValue; readonly value: BtfValue };
}

export interface MapReport {
  readonly name: string;
  readonly type: string;
  readonly maxEntries: number;
  /** Entries that there are; those of array types whose bytes are all zero. */
  readonly counts: { readonly entries: number; readonly zero: number };
  /** For JSON all; for people the first that are not zero. */
  readonly entries: readonly EntryReport[];
}

export interface SourceReport {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface FaultReport {
  readonly kind: string;
  readonly message: string;
  readonly insn: number;
  readonly source: SourceReport | null;
  /** More lines: the object, where it was allocated and freed. */
  readonly details: readonly string[];
}

/** One line of `run --json`. */
export interface RunReport {
  readonly object: string;
  readonly program: string;
  readonly section: string;
  readonly type: string;
  readonly engine: string;
  /** r0 of the last run, as u32; null when it did not come to an end. */
  readonly retval: number | null;
  /** Of all runs together; null, as `times`, when a thread died with them. */
  readonly insns: number | null;
  readonly durationNs: number | null;
  readonly cpu: number;
  readonly times: number | null;
  /** Why it ran less often than it was to, where each run came to its end. */
  readonly stopped: 'time-limit' | null;
  readonly printk: readonly string[];
  /** Integers above 2^53 are decimal strings. */
  readonly globals: Readonly<Record<string, BtfValue | MaskReport>>;
  readonly maps: readonly MapReport[];
  readonly objects: ObjectsReport;
  readonly warnings: readonly string[];
  readonly fault: FaultReport | null;
  /** Context after the run, where it was given: hex. */
  readonly ctx: string | null;
  /** Only of parallel runs: why its thread is gone, in one line; null when it came back. */
  readonly died?: string | null;
}

export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', text: string) => string;

/** The JSON object of a report: what only people read is left out. */
export function runToJson(report: RunReport): unknown {
  const { live, leaked, leakedCount } = report.objects;
  return {
    ...report,
    objects: { live, leaked, leakedCount },
    maps: report.maps.map(({ name, type, entries }) => ({
      name,
      type,
      entries: entries.map(({ key, value, kptrs }) => ({ key, value, kptrs })),
    })),
  };
}

/** Widest line of a table of map entries; wider ones are written one field a line. */
const TABLE_WIDTH = 110;

/**
 * The report as lines for people.
 * @param withState - also globals and maps: of several programs on one machine, the last one's show what all did
 */
export function formatRun(report: RunReport, paint: Paint, withState = true): string {
  const lines: string[] = [];
  const { fault } = report;
  lines.push(`${paint('bold', report.program)}  ${paint('dim', report.section)}  ${endOf(report, paint)}`);
  lines.push(paint('dim', `  ${effortOf(report)}on CPU ${report.cpu}${timeOf(report)} (${report.engine})`));
  if (fault) lines.push('', paint('red', fault.message), ...fault.details);
  const section = (title: string, body: readonly string[]) => {
    if (body.length) lines.push('', paint('cyan', title), ...body.map((line) => `  ${line}`));
  };
  if (withState) section('globals', globalLines(report.globals));
  for (const map of withState ? report.maps : []) section(`map ${map.name}`, mapLines(map, paint));
  section('printk', report.printk);
  section(
    'warnings',
    report.warnings.map((text) => paint('yellow', text)),
  );
  section(
    'leaked',
    report.objects.lines.map((line) => paint('yellow', line)),
  );
  return `${lines.join('\n')}\n`;
}

function endOf({ fault, died, retval, stopped }: RunReport, paint: Paint): string {
  if (typeof died === 'string') return paint('red', died);
  if (fault) return paint('red', 'stopped by a fault');
  return `returned ${showReturn(retval ?? 0)}${stopped ? paint('red', ', then stopped by the time limit') : ''}`;
}

function effortOf({ times, insns }: RunReport): string {
  const runs = times === null || times === 1 ? '' : `${thousands(times)} times, `;
  return `${runs}${insns ? `${plural(insns, 'instruction')} ` : ''}`;
}

const timeOf = ({ durationNs }: RunReport) => (durationNs === null ? '' : ` in ${duration(durationNs)}`);

/** Return values are errors when they are small negative numbers, and then read better as such. */
function showReturn(value: number): string {
  const signed = value | 0;
  return signed < 0 && signed >= -4095 ? `${signed}` : String(value);
}

function globalLines(globals: RunReport['globals']): string[] {
  const rows = Object.entries(globals)
    .filter(([name]) => !/^_{3,}/.test(name))
    .map(([name, value]) => [name, showValue(value)]);
  return alignRows(rows);
}

/** Members by path, down to what fits in a table cell. */
function flatten(value: BtfValue, path: string, out: Map<string, string>): Map<string, string> {
  const nested = value !== null && typeof value === 'object' && !(value instanceof EnumValue) && !isMask(value);
  if (!nested || Array.isArray(value)) return out.set(path, showValue(value));
  for (const [name, member] of Object.entries(value)) flatten(member as BtfValue, path ? `${path}.${name}` : name, out);
  return out;
}

function mapLines(map: MapReport, paint: Paint): string[] {
  const dense = map.type.endsWith('array');
  const { counts } = map;
  const count = dense
    ? `${plural(map.maxEntries, 'entry').replace('entrys', 'entries')}`
    : `${thousands(counts.entries)} of ${thousands(map.maxEntries)} entries`;
  const lines = [paint('dim', `${map.type}, ${count}`)];
  const shown = map.entries.map((entry) => ({
    key: entry.shown ? showValue(entry.shown.key) : entry.key,
    fields: entry.shown ? flatten(entry.shown.value, '', new Map()) : new Map([['', entry.value]]),
  }));
  const columns = [...new Set(shown.flatMap(({ fields }) => [...fields.keys()]))];
  const head = ['key', ...columns.map((name) => name || 'value')];
  const table = alignRows([
    head,
    ...shown.map(({ key, fields }) => [key, ...columns.map((name) => fields.get(name) ?? '')]),
  ]);
  if (shown.length && Math.max(...table.map((line) => line.length)) <= TABLE_WIDTH) {
    lines.push(...table);
  } else {
    for (const { key, fields } of shown) {
      lines.push(`key ${key}`, ...alignRows([...fields].map(([name, text]) => [`  ${name || 'value'}`, text])));
    }
  }
  const rest = counts.entries - counts.zero - shown.length;
  if (rest > 0) lines.push(paint('dim', `and ${thousands(rest)} more; --json has all`));
  if (counts.zero > 0 && shown.length > 0) lines.push(paint('dim', `the other ${thousands(counts.zero)} are zero`));
  if (dense && shown.length === 0) lines.push(paint('dim', 'all zero'));
  return lines;
}
