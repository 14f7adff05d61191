/** What thirteen kernels said of the corpus (test/data/matrix), and what we say with their rules. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { NotSupported } from '../../src/errors.ts';
import type { Release } from '../../src/kernel/bpf/rows.ts';
import { linkPrograms } from '../../src/kernel/link.ts';
import { loadProfile, type Profile } from '../../src/kernel/profile.ts';
import { verify } from '../../src/verifier/index.ts';
import { root } from '../root.ts';
import { normalize } from '../verdicts/compare.ts';
import { corpusObject, readCorpus } from '../verdicts/corpus.ts';

/** A kernel that was asked, and the profile that stands for it. */
export interface Asked {
  readonly name: string;
  readonly release: Release;
  /** That very kernel's BTF is in profiles/. */
  readonly ownBtf: boolean;
}

export const KERNELS: readonly Asked[] = [
  { name: '6.5.0-45-ubuntu', release: '6.5', ownBtf: false },
  { name: '6.8.0-151-ubuntu', release: '6.8', ownBtf: false },
  { name: '6.12.117', release: '6.12', ownBtf: true },
  { name: '6.16.12', release: '6.16', ownBtf: false },
  { name: '6.17.13', release: '6.17', ownBtf: false },
  { name: '6.18.15', release: '6.18', ownBtf: true },
  { name: '6.19.14', release: '6.19', ownBtf: false },
  { name: '7.0.13', release: '7.0', ownBtf: false },
  { name: '7.1.13', release: '7.1', ownBtf: false },
  { name: '7.2.12', release: '7.2', ownBtf: true },
  { name: '7.3.4', release: '7.3', ownBtf: false },
];

interface Answer {
  readonly verdict: 'accept' | 'reject';
  readonly errno: number;
  readonly message?: string | null;
  readonly insns_processed?: number;
  readonly retval?: number;
}

export interface MatrixRow {
  readonly file: string;
  readonly program: string;
  readonly kernels: Readonly<Record<string, Answer>>;
}

export function readMatrix(): MatrixRow[] {
  const text = gunzipSync(readFileSync(new URL('test/data/matrix/expected.jsonl.gz', root))).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MatrixRow);
}

/** The profile of a release with the package's BTF, read from profiles/. */
export function matrixProfile(release: Release, nrCpus?: number): Profile {
  return loadProfile({
    release,
    nrCpus,
    readBtf: ({ btf }) => {
      const name = btf.replace('dist/', 'profiles/');
      return brotliDecompressSync(readFileSync(new URL(`${name}.br`, root)));
    },
  });
}

export interface Cell {
  readonly name: string;
  readonly want: Answer;
  readonly have: { readonly verdict: string; readonly errno: number; readonly message: string };
  readonly verdictOk: boolean;
  readonly errnoOk: boolean;
  readonly messageOk: boolean;
  /** 0 when unknown. */
  readonly insns: number;
  readonly ms: number;
}

/** BTF ids are a kernel's own. */
const withoutIds = (text: string, own: boolean): string =>
  own
    ? normalize(text)
    : normalize(text)
        .replace(/(vmlinux|kernel btf_id) \[?\d+\]?/g, '$1 N')
        .replace(/(\w)#\d+ /g, '$1#N ');

/** Our answers beside a kernel's, for the rows whose `file.program` passes. */
export function* compareKernel(
  { name: kernel, ownBtf }: Asked,
  profile: Profile,
  pass: (name: string) => boolean = () => true,
  rows: readonly MatrixRow[] = readMatrix(),
): Generator<Cell> {
  const caps = new Map(readCorpus().map((row) => [`${row.file}.${row.program}`, row.caps]));
  for (const row of rows) {
    const want = row.kernels[kernel];
    const name = `${row.file}.${row.program}`;
    if (!want || !pass(name)) continue;
    const started = performance.now();
    const { insns, ...have } = ask(row, profile, caps.get(name) === 'CAP_BPF' ? 'bpf' : 'all');
    yield {
      name,
      want,
      have,
      verdictOk: have.verdict === want.verdict,
      errnoOk: have.verdict === want.verdict && have.errno === want.errno,
      messageOk: withoutIds(have.message, ownBtf) === withoutIds(want.message ?? '', ownBtf),
      insns,
      ms: performance.now() - started,
    };
  }
}

function ask(row: MatrixRow, profile: Profile, caps: 'all' | 'bpf'): Cell['have'] & { readonly insns: number } {
  try {
    const [linked] = linkPrograms(corpusObject(row.file), profile, { programs: [row.program] });
    if (!linked) return { verdict: 'error', errno: -1, message: 'program not found', insns: 0 };
    if (linked.reject)
      return { verdict: 'reject', errno: linked.reject.errno, message: linked.reject.message, insns: 0 };
    const { verdict, errno, message, stats } = verify(linked.program, profile, { cpus: 2, caps });
    return { verdict, errno, message: message ?? '', insns: stats.insnsProcessed };
  } catch (error) {
    const message = error instanceof NotSupported ? error.message : String((error as Error).stack).slice(0, 500);
    return { verdict: 'error', errno: -1, message, insns: 0 };
  }
}
