/** Lost references, for people and as JSON: one by one up to a bound, and together by where their objects were made. */
import type { SourceReport } from './run.ts';
import { plural, thousands } from './table.ts';

/** Objects of `leaked` in the JSON; `leakedCount` says how many there are. */
const MAX_LEAKED = 1000;
/** Places in programs that the text names. */
const MAX_GROUPS = 20;
/** Different masks of one group that the text names. */
const MAX_MASKS = 4;

export interface LeakReport {
  readonly type: string;
  readonly cpus: string | null;
  /** References that exist; null for what is not counted. */
  readonly refs: number | null;
  /** Those that no place holds; 0: what holds them is lost itself. */
  readonly lost: number;
  /** No map leads to it. */
  readonly unreachable: boolean;
  /** Program, instruction and source line that created it; null for a task. */
  readonly program: string | null;
  readonly insn: number | null;
  readonly source: SourceReport | null;
}

export interface ObjectsReport {
  /** Objects that programs made and that are alive. */
  readonly live: number;
  /** The first thousand of those with references that are lost, and tasks with such. */
  readonly leaked: readonly LeakReport[];
  /** How many there are. */
  readonly leakedCount: number;
  /** As lines for people; not in the JSON. */
  readonly lines: readonly string[];
}

/** Objects of one kind that one instruction made, and of whose references as many are lost. */
interface Group {
  readonly first: LeakReport;
  readonly masks: Set<string>;
  count: number;
}

function groupOf(groups: Map<string, Group>, leak: LeakReport): Group {
  const key = [leak.type, leak.program, leak.insn, leak.unreachable, leak.lost, leak.refs].join(' ');
  const group = groups.get(key) ?? { first: leak, masks: new Set(), count: 0 };
  groups.set(key, group);
  return group;
}

function groupLine({ first, masks, count }: Group): string {
  const { type, cpus, refs, lost, unreachable, program, insn, source } = first;
  const names = [...masks].slice(0, MAX_MASKS).map((mask) => `{${mask}}`);
  const what = `${count === 1 ? '' : `${thousands(count)} x `}${type}${cpus === null ? '' : ` ${names.join(', ')}`}`;
  const rest = masks.size > names.length ? ', ..' : '';
  const each = count === 1 ? '' : ' each';
  const held = unreachable
    ? ` with ${plural(refs ?? 1, 'reference')}${each}`
    : `: ${thousands(lost)} of ${plural(refs ?? 1, 'reference')}${each} is held by no map`;
  const where = source ? `${source.file}:${source.line}: ${source.text.trim()}` : `instruction ${insn}`;
  return `${what}${rest}${held}${program === null ? '' : `, made by ${program} at ${where}`}`;
}

/** What is alive, and which references are lost. */
export function objectsReport(live: number, leaked: readonly LeakReport[]): ObjectsReport {
  const groups = new Map<string, Group>();
  for (const leak of leaked) {
    const group = groupOf(groups, leak);
    group.count++;
    if (group.masks.size <= MAX_MASKS) group.masks.add(leak.cpus ?? '');
  }
  const lines = [...groups.values()].slice(0, MAX_GROUPS).map(groupLine);
  const more = groups.size - lines.length;
  if (more > 0) lines.push(`and others, made at ${plural(more, 'place')}`);
  return { live, leaked: leaked.slice(0, MAX_LEAKED), leakedCount: leaked.length, lines };
}
