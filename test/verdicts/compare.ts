/** Our verdict beside the kernel's, program by program. */
import { NotSupported } from '../../src/errors.ts';
import { linkPrograms } from '../../src/kernel/link.ts';
import { verify } from '../../src/verifier/index.ts';
import { type CorpusRow, corpusObject, corpusProfile, readCorpus, readLogs } from './corpus.ts';

interface Side {
  readonly verdict: string;
  readonly errno: number;
  readonly message: string | null;
  readonly insns: number | null;
}

export interface Comparison {
  readonly name: string;
  readonly row: CorpusRow;
  readonly want: Side;
  readonly have: Side & { readonly problem: string; readonly log: string; readonly ms: number };
  readonly ok: boolean;
  readonly messageOk: boolean;
  readonly insnsOk: boolean;
  readonly statesOk: boolean;
  readonly logOk: boolean;
}

/** Kernel-assigned ids and addresses, times: what may differ. */
export function normalize(text: string): string {
  return text
    .replace(/0xffff[0-9a-f]{12}/g, '0xKADDR')
    .replace(/verification time \d+ usec/g, 'verification time N usec');
}

const STATES = /total_states (\d+) peak_states (\d+)/;

/** Compares the rows whose `file.program` passes. `logs`: at the level the corpus's log was taken with. */
export function* compareCorpus(pass: (name: string) => boolean, logs = false): Generator<Comparison> {
  const wantLogs = readLogs();
  const profile = corpusProfile();
  for (const row of readCorpus()) {
    const name = `${row.file}.${row.program}`;
    if (!pass(name)) continue;
    const want: Side = {
      verdict: row.verdict,
      errno: row.errno,
      message: row.message ?? null,
      insns: row.insns_processed,
    };
    const wantLog = wantLogs.get(name) ?? '';
    let have: Comparison['have'];
    const started = performance.now();
    const side = (verdict: string, errno: number, message: string | null, problem = '') => ({
      verdict,
      errno,
      message,
      insns: null,
      problem,
      log: '',
      ms: performance.now() - started,
    });
    try {
      const [linked] = linkPrograms(corpusObject(row.file), profile, { programs: [row.program] });
      if (!linked) throw new Error('program not found');
      if (linked.reject) {
        have = side('reject', linked.reject.errno, linked.reject.message);
      } else {
        const level = !logs || (row.insns_processed ?? 0) > 200000 ? 4 : row.verdict === 'accept' ? 6 : 5;
        const verdict = verify(linked.program, profile, {
          logLevel: level,
          cpus: 2,
          caps: row.caps === 'CAP_BPF' ? 'bpf' : 'all',
        });
        have = {
          ...side(verdict.verdict, verdict.errno, verdict.message),
          insns: verdict.stats.insnsProcessed,
          log: verdict.log,
        };
      }
    } catch (error) {
      const what = error instanceof NotSupported ? error.message : String((error as Error).stack).slice(0, 700);
      have = side('error', -1, null, what);
    }
    yield {
      name,
      row,
      want,
      have,
      ok: have.verdict === want.verdict && have.errno === want.errno,
      messageOk: normalize(have.message ?? '') === normalize(want.message ?? ''),
      insnsOk: have.insns === want.insns,
      statesOk: STATES.exec(have.log)?.[0] === STATES.exec(wantLog)?.[0],
      logOk: logs && normalize(have.log) === normalize(wantLog),
    };
  }
}
