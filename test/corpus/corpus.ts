/** The programs of the verdict corpus that a kernel ran, and how our run of each differs. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { EngineName } from '../../src/engine/engines.ts';
import { InputError, NotSupported } from '../../src/errors.ts';
import type { Profile } from '../../src/kernel/profile.ts';
import type { BpfObject } from '../../src/machine/object.ts';
import { createMachine } from '../../src/platform/create_machine.ts';
import { toHex } from '../../src/report/table.ts';

const DATA = new URL(
  typeof PACKAGE_ROOT === 'string' ? `${PACKAGE_ROOT}test/data/verdicts/` : '../data/verdicts/',
  import.meta.url,
);

/** A line of expected.jsonl, as far as running goes. */
export interface Expected {
  readonly file: string;
  readonly program: string;
  readonly prog_type: string;
  readonly verdict: 'accept' | 'reject';
  readonly retval?: number;
  readonly ctx_in?: string;
  readonly ctx_out?: string;
  readonly data_in?: string;
  /** Values of all entries, one after another. */
  readonly maps?: Readonly<Record<string, string>>;
  readonly hash_maps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Maps after attaching and one fork. */
  readonly attach_maps?: Readonly<Record<string, string>>;
  readonly depends_on_machine?: boolean;
  readonly unstable?: readonly string[];
}

/** Every program that has a run result which does not depend on the machine it was taken on. */
export function runCases(): Expected[] {
  const text = gunzipSync(readFileSync(new URL('expected.jsonl.gz', DATA))).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Expected)
    .filter((row) => (row.retval !== undefined || row.attach_maps) && !row.depends_on_machine && !row.unstable);
}

const fromHex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

/** Map contents as the corpus writes them: the values of all entries, one after another. */
function contents(object: BpfObject, name: string): string {
  const map = object.maps.find((one) => one.spec.section?.sectionName === name) ?? object.map(name);
  return [...map.entries()].map((entry) => toHex(entry.value)).join('');
}

/** What our run gives otherwise than the kernel's; empty when nothing does. */
export function differences(row: Expected, profile: Profile, engine: EngineName): string[] {
  try {
    return compare(row, profile, engine);
  } catch (error) {
    if (error instanceof NotSupported || error instanceof InputError) return [error.message];
    throw error;
  }
}

function compare(row: Expected, profile: Profile, engine: EngineName): string[] {
  const machine = createMachine({ cpus: 2, profile, engine });
  const name = `${row.file}.bpf.o`;
  const bytes = new Uint8Array(readFileSync(new URL(`obj/${name}`, DATA)));
  const object = machine.load(bytes, { name, programs: [row.program] });
  const program = object.program(row.program);
  if (program.reject) return [`refused by the loader: ${program.reject.message}`];
  if (program.verdict?.verdict === 'reject') return [`rejected: ${program.verdict.message}`];
  const run = program.run({
    ctx: row.ctx_in === undefined ? undefined : fromHex(row.ctx_in),
    data: row.data_in === undefined ? undefined : fromHex(row.data_in),
    budget: 50_000_000,
  });
  const found: string[] = [];
  const same = (what: string, have: unknown, want: unknown) => {
    if (want !== undefined && have !== want) found.push(`${what}: have ${have}, want ${want}`);
  };
  if (run.fault) found.push(`fault: ${run.fault.kind} at instruction ${run.fault.site.insn} ${run.fault.detail}`);
  same('retval', run.retval, row.retval);
  if (row.ctx_out !== undefined) same('ctx', toHex(run.ctx ?? new Uint8Array()), row.ctx_out);
  for (const [map, want] of Object.entries({ ...row.maps, ...row.attach_maps })) same(map, contents(object, map), want);
  for (const [map, entries] of Object.entries(row.hash_maps ?? {})) {
    const have = Object.fromEntries([...object.map(map).entries()].map(({ key, value }) => [toHex(key), toHex(value)]));
    const sorted = (table: object) => JSON.stringify(Object.entries(table).sort());
    same(map, sorted(have), sorted(entries));
  }
  for (const warning of machine.warnings()) found.push(`warning: ${warning.text}`);
  return found;
}
