/** What one kernel says of the programs of one object, and what would make it say otherwise. */

import type { ReleaseFile } from '../../../profiles/release.ts';
import { NotSupported } from '../../errors.ts';
import { kfuncByName } from '../../kernel/bpf/kfuncs/index.ts';
import { atRelease, compareReleases, existsIn, type Release } from '../../kernel/bpf/rows.ts';
import { RELEASES } from '../../kernel/generated/releases.ts';
import { linkPrograms } from '../../kernel/link.ts';
import type { Feature, Profile } from '../../kernel/profile.ts';
import { loadObject } from '../../loader/object.ts';
import type { ObjectSpec } from '../../loader/spec.ts';
import { presetGlobals } from '../../loader/variables.ts';
import { readAsset } from '../../platform/node/assets.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { openKernel } from '../../platform/node/user_profiles.ts';
import type { Cell, Column } from '../../report/matrix.ts';
import { suggest } from '../../report/suggest.ts';
import { initRange, verify } from '../../verifier/index.ts';

/** Programs of one object on one kernel: what a worker is given. */
export interface Task {
  readonly path: string;
  readonly programs: readonly string[] | null;
  readonly column: Column;
  readonly caps: 'all' | 'bpf';
}

/** Kernels that were opened; most of them share a BTF. */
const profiles = new Map<string, Profile>();
let ready = false;

function profileOf({ kernel, nrCpus }: Column): Profile {
  if (!ready) initRange(readAsset('dist/verifier.wasm'));
  ready = true;
  const key = `${kernel} ${nrCpus}`;
  const profile = profiles.get(key) ?? openKernel(kernel, { nrCpus: nrCpus ?? undefined });
  profiles.set(key, profile);
  return profile;
}

let lastObject: { readonly path: string; readonly spec: ObjectSpec } | null = null;

function objectOf(path: string): ObjectSpec {
  if (lastObject?.path !== path) lastObject = { path, spec: loadObject(readUserFile(path), path) };
  return lastObject.spec;
}

/** Judges a task's programs; a name that the object does not have is left out. */
export function judge(task: Task): Cell[] {
  return judgeWith(task, profileOf(task.column));
}

function judgeWith({ path, programs, column, caps }: Task, profile: Profile): Cell[] {
  const { spec, kconfig } = presetGlobals(objectOf(path), column.set);
  return linkPrograms(spec, profile, { programs: programs ?? undefined, kconfig }).map((linked): Cell => {
    const { name: program, section, type } = linked.spec;
    const of = { object: spec.name, program, section, type, column };
    if (linked.reject) {
      const { errno, message } = linked.reject;
      return { ...of, verdict: 'reject', stage: 'loader', errno, message, lines: [message], insn: null, source: null };
    }
    try {
      const { cpus } = column;
      const said = verify(linked.program, profile, { caps, ...(cpus === null ? {} : { cpus }) });
      const source = said.source && { file: said.source.file, line: said.source.line, text: said.source.text.trim() };
      const { verdict, errno, messageLines, insn } = said;
      const message = said.message ?? '';
      return { ...of, verdict, stage: 'verifier', errno, message, lines: messageLines.slice(-6), insn, source };
    } catch (error) {
      if (!(error instanceof NotSupported)) throw error;
      const { message } = error;
      return {
        ...of,
        verdict: 'unsupported',
        stage: 'verifier',
        errno: 0,
        message,
        lines: [message],
        insn: null,
        source: null,
      };
    }
  });
}

const FILES: readonly ReleaseFile[] = RELEASES;

/** What would make a refused program pass on its kernel, or which kernels take it. */
export function remediesOf(cell: Cell, path: string, caps: Task['caps']): string[] {
  const { release } = cell.column;
  const missing = /extern \(func ksym\) '(\w+)': (not found|func_proto)/.exec(cell.message);
  if (missing) return missingKfunc(missing[1] ?? '', release, missing[2] !== 'not found');
  const forbidden = /^calling kernel function (\w+) is not allowed/.exec(cell.message);
  const since = forbidden && allowedFrom(forbidden[1] ?? '', cell.type, release);
  if (since) return [`from ${since}: ${cell.type} programs may call ${forbidden?.[1]}`];
  const changed = cell.stage === 'verifier' ? changes(cell, path, caps) : [];
  const advice = suggest(cell.lines);
  return advice && changed.length === 0 ? [advice] : changed;
}

function missingKfunc(name: string, release: Release, otherProto: boolean): string[] {
  const row = kfuncByName(name);
  const weak = `declare ${name} __weak and call it only where bpf_ksym_exists(${name})`;
  if (otherProto)
    return [`this kernel has ${name} with another prototype: ${weak}, under a name with ___suffix for each prototype`];
  if (!row) return [`no release that is known has ${name}; a module may: ${weak}`];
  if (existsIn(row, release)) return [`Linux ${release} can have ${name}, this kernel is built without it: ${weak}`];
  if (compareReleases(row.since, release) > 0) return [`from ${row.since}; before, ${weak}`];
  return [`until ${row.until}, which has it no more: ${weak}`];
}

/** First release after `release` whose programs of a type may call a kfunc. */
function allowedFrom(name: string, type: string, release: Release): Release | undefined {
  const row = kfuncByName(name);
  const may = (one: Release): boolean =>
    row !== undefined && existsIn(row, one) && (atRelease(row.programs, one)?.some((known) => known === type) ?? false);
  return FILES.map((file) => file.release).find((one) => compareReleases(one, release) > 0 && may(one));
}

/** Time for this question in one run of the command. */
const SEARCH_MS = 5000;
let searched = 0;

/** The next release that takes a refused program, or the last before that did, and what changed between. */
function changes(cell: Cell, path: string, caps: Task['caps']): string[] {
  const started = performance.now();
  const at = FILES.findIndex(({ release }) => release === cell.column.release);
  const asked = new Set<string>();
  const passes = (file: ReleaseFile, off?: string): boolean => {
    if (searched + performance.now() - started > SEARCH_MS) return false;
    const column = { ...cell.column, kernel: file.release, release: file.release };
    const task = { path, programs: [cell.program], column, caps };
    return judgeWith(task, spied(profileOf(column), asked, off))[0]?.verdict === 'accept';
  };
  const later = FILES.slice(at + 1).find((file) => passes(file));
  const earlier = later
    ? undefined
    : FILES.slice(0, at)
        .reverse()
        .find((file) => passes(file));
  const cause = later ?? (earlier && FILES[FILES.indexOf(earlier) + 1]);
  const when = later ? `from ${later.release} this passes` : `until ${earlier?.release} this passed`;
  const decisive = Object.entries(cause?.features ?? {}).filter(
    ([name]) => cause && asked.has(name) && passes(cause, name) !== (later !== undefined),
  );
  searched += performance.now() - started;
  if (!cause) return [];
  const facts = decisive.map(([, { summary, remedy }]) =>
    remedy === undefined ? `${when}: ${summary}` : `${when}: ${summary} To pass here too, ${remedy}.`,
  );
  return facts.length ? facts : [when];
}

/** A profile that notes which rules the verifier asks for; `off`: one that it does not have. */
function spied(profile: Profile, asked: Set<string>, off?: string): Profile {
  const spy = Object.create(profile) as Profile;
  const has = (name: Feature): boolean => {
    asked.add(name);
    return name !== off && profile.has(name);
  };
  return Object.defineProperty(spy, 'has', { value: has });
}
