/** The verdict corpus: what a Linux 6.18.44 said of 444 programs (test/data/verdicts/README.md has the fields). */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { loadProfile, type Profile } from '../../src/kernel/profile.ts';
import { loadObject } from '../../src/loader/object.ts';
import type { ObjectSpec } from '../../src/loader/spec.ts';
import { root } from '../root.ts';

const data = new URL('test/data/', root);
const read = (path: string): Buffer => readFileSync(new URL(path, data));
const lines = <T>(text: string): T[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

export interface CorpusRow {
  readonly file: string;
  readonly program: string;
  readonly section: string;
  readonly prog_type: string;
  readonly attach_type?: string;
  readonly verdict: 'accept' | 'reject';
  readonly stage?: 'verifier' | 'loader';
  readonly errno: number;
  readonly message: string;
  readonly message_lines?: readonly string[];
  readonly insns: number | null;
  readonly insns_processed: number | null;
  readonly caps?: string;
  readonly license?: string;
  readonly cflags?: string;
  readonly libbpf_message?: string;
  readonly btf_load_error?: string;
  readonly map_create_errors?: Readonly<Record<string, string>>;
  readonly retval?: number;
  readonly run_errno?: number;
  readonly ctx_in?: string;
  readonly ctx_out?: string;
  readonly data_in?: string;
  readonly maps?: Readonly<Record<string, string>>;
  readonly hash_maps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly attach_maps?: Readonly<Record<string, string>>;
  readonly not_run?: string;
  readonly depends_on_machine?: unknown;
  readonly unstable?: unknown;
}

/** All rows, in the corpus's order. */
export function readCorpus(): CorpusRow[] {
  return lines(gunzipSync(read('verdicts/expected.jsonl.gz')).toString());
}

/** Verifier logs by `file.program`. */
export function readLogs(): Map<string, string> {
  const rows = lines<{ file: string; program: string; log: string }>(
    gunzipSync(read('verdicts/logs.jsonl.gz')).toString(),
  );
  return new Map(rows.map(({ file, program, log }) => [`${file}.${program}`, log]));
}

const objects = new Map<string, ObjectSpec>();

/** The object that a row's program is in; loaded once. */
export function corpusObject(file: string): ObjectSpec {
  const known = objects.get(file) ?? loadObject(corpusBytes(file), `${file}.bpf.o`);
  objects.set(file, known);
  return known;
}

export const corpusBytes = (file: string): Uint8Array => read(`verdicts/obj/${file}.bpf.o`);

let profile: Profile | undefined;

/** The kernel that was asked. */
export function corpusProfile(): Profile {
  profile ??= loadProfile({
    release: '6.18',
    readBtf: () => brotliDecompressSync(read('btf/6.18.44.btf.br')),
    what: '6.18.44.btf.br',
  });
  return profile;
}
