/** Results of the parts of one run, from wherever they ran: do they belong together, and are they all there? */
import { InputError } from '../errors.ts';

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
 * @param first - number of the first shard
 * @throws InputError unless these are all parts of one run, each once
 */
export function checkShards(parts: readonly Part[], first: 0 | 1): void {
  const seen = new Map<string, string>();
  let whole = '';
  for (const { where, run, shard } of parts) {
    if (shard === null) throw new InputError(where, '', 'is the result of a whole run, not of a shard');
    if (run !== parts[0]?.run) throw new InputError(where, '', `is of another run than ${parts[0]?.where}`);
    const count = shard.slice(shard.indexOf('/') + 1);
    whole ||= count;
    if (count !== whole) throw new InputError(where, '', `is shard ${shard}, but others are of ${whole}`);
    const before = seen.get(shard);
    if (before !== undefined) throw new InputError(where, '', `shard ${shard} is also in ${before}`);
    seen.set(shard, where);
  }
  if (seen.size === Number(whole) && seen.size > 0) return;
  const missing: string[] = [];
  for (let i = first; i < Number(whole) + first && missing.length <= NAMED; i++) {
    if (!seen.has(`${i}/${whole}`)) missing.push(`${i}/${whole}`);
  }
  const more = missing.length > NAMED ? ', ...' : '';
  throw new InputError(
    'merge',
    '',
    whole ? `missing: shard ${missing.slice(0, NAMED).join(', ')}${more}` : 'no results in these files',
  );
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
