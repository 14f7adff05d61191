/** The matrix of programs and kernels: its cells, the distinct reasons among them, and how both are written. */
import type { Release } from '../kernel/bpf/rows.ts';
import { errnoName } from '../uapi/errno.ts';
import type { SourceReport } from './run.ts';

/** A kernel, and what a loader decides before it asks it. */
export interface Column {
  /** What heads the column: `6.12`, `6.12 cpus=4`. */
  readonly label: string;
  readonly kernel: string;
  /** Whose rules hold: the kernel itself, unless it is one of the project's. */
  readonly release: Release;
  /** Release whose BTF stands in for its own, where the package has none of it; null when the BTF is its own. */
  readonly nearest: Release | null;
  /** Nobody asked a kernel of this release: its rules are from history alone. */
  readonly documented: boolean;
  readonly cpus: number | null;
  readonly nrCpus: number | null;
  readonly set: Readonly<Record<string, string>>;
}

/** What one kernel says of one program. */
export interface Cell {
  readonly object: string;
  readonly program: string;
  readonly section: string;
  readonly type: string;
  readonly column: Column;
  readonly verdict: 'accept' | 'reject' | 'unsupported';
  readonly stage: 'loader' | 'verifier';
  readonly errno: number;
  /** The line that states the reason; empty when accepted. */
  readonly message: string;
  /** All its lines, as far as a report shows them. */
  readonly lines: readonly string[];
  readonly insn: number | null;
  readonly source: SourceReport | null;
}

/** A reason, with everything it holds for. */
export interface Reason {
  /** From 1, as the table refers to it. */
  readonly number: number;
  readonly errno: number;
  readonly stage: Cell['stage'];
  readonly message: string;
  readonly cells: readonly Cell[];
  readonly source: SourceReport | null;
  /** What would make it pass. */
  readonly remedies: readonly string[];
}

/** Numbers that a kernel assigns: BTF ids and reference ids, so that one reason is not told once a kernel. */
const words = (text: string): string =>
  text
    .replace(/\[\d+\]/g, '[N]')
    .replace(/\bid=\d+/g, 'id=N')
    .replace(/#\d+\b/g, '#N');

/** Every distinct reason once, those that hold for most cells first. `remedies` says what would help a cell. */
export function reasonsOf(cells: readonly Cell[], remedies: (cell: Cell) => readonly string[]): Reason[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    if (cell.verdict === 'accept') continue;
    const { source } = cell;
    // What a program may not call at all has the same reason wherever it does.
    const at = /^calling kernel function/.test(cell.message) ? [] : [source?.file, source?.line];
    const key = [cell.object, cell.errno, words(cell.message), ...at].join('\0');
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .map((group, i) => {
      const { errno, stage, message, source } = group[0] as Cell;
      return { number: i + 1, errno, stage, message, cells: group, source, remedies: remedies(group[0] as Cell) };
    });
}

/** Values without repetition, in order of appearance. */
const distinct = (values: readonly string[]): string[] => [...new Set(values)];

const place = (source: SourceReport): string => `${source.file.slice(source.file.lastIndexOf('/') + 1)}:${source.line}`;

/** `life.twice, life.once` and `6.12, 6.16 to 6.18`: what a reason holds for. */
export function holdsFor({ cells }: Reason, columns: readonly Column[]): { programs: string; kernels: string } {
  const labels = new Set(cells.map(({ column }) => column.label));
  const runs: string[][] = [];
  columns.forEach(({ label }, i) => {
    if (!labels.has(label)) return;
    const last = runs.at(-1);
    if (last && labels.has(columns[i - 1]?.label ?? '')) last.push(label);
    else runs.push([label]);
  });
  const text = runs.map((run) => (run.length > 2 ? `${run[0]} to ${run.at(-1)}` : run.join(', ')));
  const programs = distinct(cells.map(({ program }) => program));
  const shown = programs.length > 12 ? [...programs.slice(0, 12), `${programs.length - 12} more`] : programs;
  return { programs: shown.join(', '), kernels: labels.size === columns.length ? 'every kernel' : text.join(', ') };
}

/** What heads a column: a kernel that borrows its BTF has a mark. */
const title = ({ label, kernel, nearest }: Column): string =>
  nearest === null ? label : label.replace(kernel, `${kernel}~`);

/** What the marks of the columns mean, and how the rules are known. */
export function columnNotes(columns: readonly Column[]): string[] {
  const kernels = (which: (column: Column) => boolean): string =>
    distinct(columns.filter(which).map(({ kernel }) => kernel)).join(', ');
  const lenders = distinct(columns.flatMap(({ nearest }) => nearest ?? []));
  const borrowed = lenders.map(
    (lender) =>
      `~ by the rules of the release on the nearest BTF, that of ${lender}: ${kernels((c) => c.nearest === lender)}`,
  );
  const documented = kernels((column) => column.documented);
  return documented ? [...borrowed, `rules documented only, no kernel was asked: ${documented}`] : borrowed;
}

export type PaintCell = (part: 'good' | 'bad' | 'title' | 'label', text: string) => string;

/** Rows of the table: a program, and what stands in each column. */
function* rows(cells: readonly Cell[], columns: readonly Column[], reasons: readonly Reason[]) {
  const numbers = new Map(reasons.flatMap((reason) => reason.cells.map((cell) => [cell, reason.number] as const)));
  const byRow = new Map<string, Map<string, Cell>>();
  for (const cell of cells) {
    const key = `${cell.object}\0${cell.program}`;
    const row = byRow.get(key) ?? new Map<string, Cell>();
    byRow.set(key, row.set(cell.column.label, cell));
  }
  for (const row of byRow.values()) {
    const { object, program } = [...row.values()][0] as Cell;
    const marks = columns.map(({ label }) => {
      const cell = row.get(label);
      return { cell, text: cell ? (cell.verdict === 'accept' ? 'ok' : mark(cell, numbers.get(cell))) : '-' };
    });
    yield { object, program, marks };
  }
}

/** A reason as the table and the list name it; a question mark where we cannot say. */
const mark = ({ verdict }: Cell, number: number | undefined): string =>
  `${verdict === 'unsupported' ? '?' : 'no'} ${number}`;
const markOf = ({ number, cells }: Reason): string => mark(cells[0] as Cell, number);

const code = (errno: number): string => (errno ? `${errnoName(errno)} ` : '');

/** For a terminal. */
export function* matrixText(
  cells: readonly Cell[],
  columns: readonly Column[],
  reasons: readonly Reason[],
  paint: PaintCell,
): Generator<string> {
  const table = [...rows(cells, columns, reasons)];
  const several = new Set(table.map(({ object }) => object)).size > 1;
  const name = (row: { object: string; program: string }) => (several ? `${row.object}.${row.program}` : row.program);
  const width = Math.max(7, ...table.map((row) => name(row).length));
  const heads = columns.map(title);
  const widths = heads.map((_, i) =>
    Math.max(heads[i]?.length ?? 0, ...table.map(({ marks }) => marks[i]?.text.length ?? 0)),
  );
  yield paint('title', `${'program'.padEnd(width)}  ${heads.map((head, i) => head.padEnd(widths[i] ?? 0)).join('  ')}`);
  for (const row of table) {
    const marks = row.marks.map(({ cell, text }, i) => {
      const part = cell?.verdict === 'accept' ? 'good' : cell ? 'bad' : 'label';
      return paint(part, text.padEnd(widths[i] ?? 0));
    });
    yield `${name(row).padEnd(width)}  ${marks.join('  ')}`.trimEnd();
  }
  for (const reason of reasons) {
    const { programs, kernels } = holdsFor(reason, columns);
    yield '';
    yield `${paint('bad', markOf(reason))}  ${paint('title', `${code(reason.errno)}${reason.message}`)}`;
    yield `  ${paint('label', 'for  ')} ${programs}`;
    yield `  ${paint('label', 'on   ')} ${kernels}${reason.stage === 'loader' ? ' (by libbpf)' : ''}`;
    if (reason.source) yield `  ${paint('label', 'at   ')} ${place(reason.source)}  ${reason.source.text.trim()}`;
    for (const remedy of reason.remedies) yield `  ${paint('label', 'try  ')} ${remedy}`;
  }
  const notes = columnNotes(columns);
  if (notes.length) yield '';
  for (const note of notes) yield paint('label', note);
}

/** For a pull request or a job summary. */
export function* matrixMarkdown(
  cells: readonly Cell[],
  columns: readonly Column[],
  reasons: readonly Reason[],
): Generator<string> {
  const markdown = (text: string): string => text.replace(/[|\\`*_<>~]/g, '\\$&');
  yield `| program | ${columns.map((column) => markdown(title(column))).join(' | ')} |`;
  yield `| --- |${' --- |'.repeat(columns.length)}`;
  for (const { program, marks } of rows(cells, columns, reasons)) {
    yield `| ${markdown(program)} | ${marks.map(({ text }) => text).join(' | ')} |`;
  }
  if (reasons.length) yield '';
  for (const reason of reasons) {
    const { programs, kernels } = holdsFor(reason, columns);
    const at = reason.source ? ` at ${markdown(place(reason.source))}` : '';
    yield `- **${markOf(reason)}** \`${code(reason.errno)}${reason.message.replaceAll('`', "'")}\`${at}: ${markdown(programs)} on ${markdown(kernels)}`;
    for (const remedy of reason.remedies) yield `  - ${markdown(remedy)}`;
  }
  const notes = columnNotes(columns);
  if (notes.length) yield '';
  for (const note of notes) yield `<sub>${markdown(note)}</sub>  `;
}

/** Annotations of GitHub Actions: errors where a required kernel refuses, else warnings. */
export function* matrixGithub(
  columns: readonly Column[],
  reasons: readonly Reason[],
  required: (column: Column) => boolean,
): Generator<string> {
  const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  for (const reason of reasons) {
    const level = reason.cells.some(({ column }) => required(column)) ? 'error' : 'warning';
    const { programs, kernels } = holdsFor(reason, columns);
    const file = reason.source ? `file=${property(reason.source.file)},line=${reason.source.line},` : '';
    const title = property(`${programs}: refused on ${kernels}`);
    yield `::${level} ${file}title=${title}::${data([`${code(reason.errno)}${reason.message}`, ...reason.remedies].join('\n'))}`;
  }
}

/** JUnit: a suite a kernel, a case a program. A kernel that is not required skips what it refuses. */
export function* matrixJunit(
  cells: readonly Cell[],
  columns: readonly Column[],
  reasons: readonly Reason[],
  required: (column: Column) => boolean,
): Generator<string> {
  const remedies = new Map(reasons.flatMap((reason) => reason.cells.map((cell) => [cell, reason.remedies] as const)));
  yield '<?xml version="1.0" encoding="UTF-8"?>';
  yield '<testsuites>';
  for (const column of columns) {
    const suite = cells.filter((cell) => cell.column === column);
    const refused = suite.filter(({ verdict }) => verdict !== 'accept').length;
    const [failures, skipped] = required(column) ? [refused, 0] : [0, refused];
    yield `  <testsuite name="${xml(column.label)}" tests="${suite.length}" failures="${failures}" skipped="${skipped}">`;
    for (const cell of suite) {
      const open = `    <testcase classname="${xml(cell.object)}" name="${xml(cell.program)}"`;
      if (cell.verdict === 'accept') {
        yield `${open}/>`;
        continue;
      }
      const tag = required(column) ? 'failure' : 'skipped';
      const at = cell.source ? [place(cell.source)] : [];
      const body = [...cell.lines, ...at, ...(remedies.get(cell) ?? [])].join('\n');
      yield `${open}>`;
      yield `      <${tag} message="${xml(`${code(cell.errno)}${cell.message}`)}">${xml(body)}</${tag}>`;
      yield '    </testcase>';
    }
    yield '  </testsuite>';
  }
  yield '</testsuites>';
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text and attributes; characters that XML does not have become spaces. */
function xml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, ' ').replace(/[&<>"]/g, (c) => ENTITIES[c] ?? c);
}

/** One line of --json. */
export function cellToJson({ column, ...cell }: Cell) {
  const { kernel, nearest, documented, cpus, nrCpus, set } = column;
  return { ...cell, kernel, nearest, documented, cpus, nrCpus, set };
}

export function reasonToJson(reason: Reason, columns: readonly Column[]) {
  const { number, errno, stage, message, source, remedies, cells } = reason;
  const kernels = columns.filter((column) => cells.some((cell) => cell.column === column)).map(({ label }) => label);
  return {
    reason: number,
    errno,
    stage,
    message,
    programs: distinct(cells.map((c) => c.program)),
    kernels,
    source,
    remedies,
  };
}
