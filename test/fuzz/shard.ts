import { InputError } from '../../src/errors.ts';

/** A share of the seeds, `--shard I/N` (I from 1), so that N machines divide a run among them. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export function parseShard(text: string): Shard {
  const [, index = '', count = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw new InputError('--shard', '', `"${text}" is not I/N with I from 1 to N`);
}

/** The seeds of a shard: each belongs to exactly one. */
export function* seedsOf(first: number, count: number, { index, count: shards }: Shard): Generator<number> {
  for (let seed = first + index - 1; seed < first + count; seed += shards) yield seed;
}
