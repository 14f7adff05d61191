/** Parts of one run, counted from 0; and their results, from wherever they ran: do they belong together, and are they all there? */
import { InputError } from '../errors.ts';

/** `--shard 0/4`: part `index` of `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** @throws InputError for what is no `I/N` */
export function parseShard(text: string): Shard {
  const [, index = '', of = ''] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(of) };
  if (of !== '' && shard.index < shard.count) return shard;
  throw new InputError('--shard', '', `"${text}" is no part; write 0/4 for the first of four`);
}

/** One part's result. */
export interface Part {
  /** File and line. */
  readonly where: string;
  /** Equal for the parts of one run. */
  readonly run: string;
  /** `i/n`; null: it is no part. */
  readonly shard: string | null;
}

/** Shards that are named in one message. */
const NAMED = 8;

/**
 * @throws InputError unless these are all parts of one run, each once
 */
export function checkShards(parts: readonly Part[]): void {
  const seen = new Map<number, string>();
  let shards = 0;
  for (const { where, run, shard } of parts) {
    if (shard === null) throw new InputError(where, '', 'is the result of a whole run, not of a shard');
    if (run !== parts[0]?.run) throw new InputError(where, '', `is of another run than ${parts[0]?.where}`);
    const [index = 0, count = 0] = shard.split('/').map(Number);
    if (!(index < count)) throw new InputError(where, '', `there is no shard ${shard}`);
    shards ||= count;
    if (count !== shards) throw new InputError(where, '', `is shard ${shard}, but others are of ${shards}`);
    const before = seen.get(index);
    if (before !== undefined) throw new InputError(where, '', `shard ${shard} is also in ${before}`);
    seen.set(index, where);
  }
  if (shards === 0) throw new InputError('merge', '', 'no results in these files');
  const missing: string[] = [];
  for (let i = 0; i < shards && missing.length <= NAMED; i++) {
    if (!seen.has(i)) missing.push(`${i}/${shards}`);
  }
  if (missing.length === 0) return;
  const more = missing.length > NAMED ? ', ...' : '';
  throw new InputError('merge', '', `missing: shard ${missing.slice(0, NAMED).join(', ')}${more}`);
}

/** Lines of files of JSON lines, with where each is. */
export function jsonLines(
  files: readonly { readonly path: string; readonly text: string }[],
): { where: string; value: unknown }[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) =>
        line.trim() === '' ? [] : [{ where: `${path}:${i + 1}`, value: parsed(`${path}:${i + 1}`, line) }],
      ),
  );
}

function parsed(where: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new InputError(where, '', 'is no line of JSON');
  }
}
