/** The result of `verify`: its JSON shape, and the text that people read. */
import type { KernelProgram } from '../kernel/program.ts';
import type { LineSpec, ProgramSpec } from '../loader/spec.ts';
import { errnoName } from '../uapi/errno.ts';
import type { Verdict } from '../verifier/index.ts';
import type { SourceReport } from './run.ts';
import { suggest } from './suggest.ts';
import { thousands } from './table.ts';

/** One line of `verify --json`. */
export interface VerdictReport {
  readonly object: string;
  readonly program: string;
  readonly section: string;
  readonly type: string;
  readonly verdict: 'accept' | 'reject';
  readonly stage: 'loader' | 'verifier';
  /** Positive; 0 when accepted. */
  readonly errno: number;
  /** The line of the kernel's log (or libbpf's) that states the reason; null when accepted. */
  readonly message: string | null;
  readonly insnsProcessed: number;
  readonly verificationTimeUs: number;
  readonly insn: number | null;
  readonly source: SourceReport | null;
  /** With --log-level: the log. */
  readonly log?: string;
}

/** What the loader or the verifier said of one program. */
export interface Judged {
  readonly object: string;
  readonly spec: ProgramSpec;
  /** null when the loader refused it. */
  readonly program: KernelProgram | null;
  readonly verdict: Verdict | null;
  readonly loader: { readonly errno: number; readonly message: string } | null;
}

export function accepted(judged: Judged): boolean {
  return judged.verdict?.verdict === 'accept';
}

export function verdictToJson({ object, spec, verdict, loader }: Judged, withLog: boolean): VerdictReport {
  const source = verdict?.source ?? null;
  return {
    object,
    program: spec.name,
    section: spec.section,
    type: spec.type,
    verdict: verdict?.verdict ?? 'reject',
    stage: loader ? 'loader' : 'verifier',
    errno: verdict?.errno ?? loader?.errno ?? 0,
    message: verdict ? verdict.message : (loader?.message ?? null),
    insnsProcessed: verdict?.stats.insnsProcessed ?? 0,
    verificationTimeUs: verdict?.stats.verificationTimeUs ?? 0,
    insn: verdict?.insn ?? null,
    source: source && { file: source.file, line: source.line, text: source.text.trim() },
    ...(withLog && verdict ? { log: verdict.log } : {}),
  };
}

/** What a part of the text is, so that a terminal can colour it. */
export type Part = 'good' | 'bad' | 'title' | 'label' | 'source';
export type PaintPart = (part: Part, text: string) => string;

/** Source lines that are shown of the path; more are left out in the middle. */
const PATH_LINES = 18;
const LABEL = 9;

/** The report on one program: a line when it is accepted, at most a screen when not. */
export function* formatVerdict(judged: Judged, paint: PaintPart): Generator<string> {
  const { spec, verdict, loader } = judged;
  const title = paint('title', spec.name);
  if (verdict?.verdict === 'accept') {
    const { insnsProcessed, totalStates, verificationTimeUs } = verdict.stats;
    const cost = `${thousands(insnsProcessed)} instructions, ${thousands(totalStates)} states, ${verificationTimeUs} us`;
    yield `${paint('good', 'accept')}  ${title}  ${paint('label', `${spec.section}: ${cost}`)}`;
    return;
  }
  const code = errnoName(verdict?.errno ?? loader?.errno ?? 0);
  const by = loader ? 'libbpf' : 'the verifier';
  yield `${paint('bad', 'reject')}  ${title}  ${paint('label', `${spec.section}: ${code}, by ${by}`)}`;
  const lines = loader ? [loader.message] : (verdict?.messageLines ?? []);
  yield* labelled('kernel', lines.slice(-6), paint);
  if (verdict?.source) {
    yield* labelled('at', [sourceLine(verdict.source, verdict.insn), `  ${verdict.source.text.trim()}`], paint);
  } else if (verdict?.insn !== null && verdict?.insn !== undefined) {
    yield* labelled('at', [`instruction ${verdict.insn}`], paint);
  }
  if (verdict && judged.program) {
    const held = verdict.held.map((insn) => lineOf(judged.program, insn));
    const from = held.map((line, i) =>
      line ? `${place(line)}  ${line.text.trim()}` : `instruction ${verdict.held[i]}`,
    );
    yield* labelled('held', from, paint);
    yield* labelled('path', pathLines(judged.program, verdict.path), paint);
  }
  const advice = suggest(lines);
  if (advice) yield* labelled('try', wrap(advice, 100), paint);
}

function* labelled(label: string, lines: readonly string[], paint: PaintPart): Generator<string> {
  let first = true;
  for (const line of lines) {
    yield `  ${paint('label', (first ? label : '').padEnd(LABEL))}${line}`;
    first = false;
  }
}

const place = (line: LineSpec): string => `${line.file.slice(line.file.lastIndexOf('/') + 1)}:${line.line}`;

function sourceLine(line: LineSpec, insn: number | null): string {
  return insn === null ? place(line) : `${place(line)} (instruction ${insn})`;
}

function lineOf(program: KernelProgram | null, insn: number): LineSpec | undefined {
  let found: LineSpec | undefined;
  for (const line of program?.lines ?? []) {
    if (line.insn > insn) break;
    found = line;
  }
  return found;
}

/** The path as source lines, one after the other; a loop's repetitions and the middle of long ones are left out. */
function pathLines(program: KernelProgram, path: readonly number[]): string[] {
  const lines: LineSpec[] = [];
  for (const insn of path) {
    const line = lineOf(program, insn);
    const last = lines[lines.length - 1];
    if (line && !(last && last.line === line.line && last.file === line.file)) lines.push(line);
  }
  const width = lines.reduce((max, line) => Math.max(max, place(line).length), 0);
  const text = lines.map((line) => `${place(line).padEnd(width)}  ${line.text.trim()}`);
  if (text.length <= PATH_LINES) return text;
  const head = text.slice(0, 5);
  const tail = text.slice(text.length - (PATH_LINES - 6));
  return [...head, `... ${thousands(text.length - head.length - tail.length)} lines ...`, ...tail];
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1] as string;
    if (last && last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}
