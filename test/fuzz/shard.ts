import type { Shard } from '../../src/report/shards.ts';

/** The seeds of a shard: each belongs to exactly one. */
export function* seedsOf(first: number, count: number, { index, count: shards }: Shard): Generator<number> {
  for (let seed = first + index; seed < first + count; seed += shards) yield seed;
}
