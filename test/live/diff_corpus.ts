/** What `diff` says of the corpus and the examples: where simulated and running kernel do not do the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { compareProgram, type ProgramDiff } from '../../src/cli/compare.ts';
import { openLiveSession } from '../../src/cli/live.ts';
import { getAffinity, setAffinity } from '../../src/platform/node/sched_affinity.ts';
import { root } from '../root.ts';
import { corpusBytes, readCorpus } from '../verdicts/corpus.ts';
import { laterRule } from '../verifier/later_builds.ts';

/** The verdicts differ by a rule that the running build has and ours has not. */
export function byLaterRule({ differences }: ProgramDiff): boolean {
  const message = differences.find(({ what }) => what === 'message');
  const errno = differences.find(({ what }) => what === 'errno');
  const answer = (side: 'live' | 'simulated') => ({ errno: errno?.[side] ?? '', message: message?.[side] ?? '' });
  return laterRule(answer('live'), answer('simulated')) !== undefined;
}

export interface ObjectDiff {
  readonly object: string;
  readonly diffs: readonly ProgramDiff[];
}

const hex = (text: string | undefined) => (text === undefined ? undefined : new Uint8Array(Buffer.from(text, 'hex')));

/** What a program of the corpus is given, and whether its results are the machine's own. */
interface Input {
  readonly ctx?: Uint8Array;
  readonly data?: Uint8Array;
  readonly verdictOnly: boolean;
}

function diffObject(object: string, bytes: Uint8Array, inputs: ReadonlyMap<string, Input> | null): ObjectDiff {
  using session = openLiveSession(bytes, object, { prog: inputs ? [...inputs.keys()] : undefined });
  const diffs = session.linked.map((linked): ProgramDiff => {
    const { ctx, data, verdictOnly = false } = inputs?.get(linked.spec.name) ?? {};
    const diff = compareProgram(linked, bytes, object, {
      caps: 'all',
      ...(ctx ? { ctx } : {}),
      ...(data ? { data } : {}),
    });
    const verdict = ['verdict', 'errno', 'message'];
    if (!verdictOnly) return diff;
    return { ...diff, differences: diff.differences.filter(({ what }) => verdict.includes(what)) };
  });
  return { object, diffs };
}

function examples(): [string, Uint8Array][] {
  const folder = new URL('examples/', root);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.bpf.o'))
    .sort()
    .map((file) => [`examples/${file}`, readFileSync(new URL(file, folder))]);
}

/** Every example, then every accepted program of the corpus, with the input that the corpus gave it. */
export function* diffEverything(): Generator<ObjectDiff> {
  const before = getAffinity();
  setAffinity([before.first ?? 0]);
  try {
    for (const [name, bytes] of examples()) yield diffObject(name, bytes, null);
    const accepted = readCorpus().filter(({ verdict, caps }) => verdict === 'accept' && !caps);
    for (const file of new Set(accepted.map((row) => row.file))) {
      const inputs = accepted
        .filter((row) => row.file === file)
        .map(({ program, ctx_in, data_in, depends_on_machine, unstable }): [string, Input] => {
          const [ctx, data] = [hex(ctx_in), hex(data_in)];
          const verdictOnly = Boolean(depends_on_machine || unstable);
          return [program, { verdictOnly, ...(ctx ? { ctx } : {}), ...(data ? { data } : {}) }];
        });
      yield diffObject(`${file}.bpf.o`, corpusBytes(file), new Map(inputs));
    }
  } finally {
    setAffinity(before);
  }
}
