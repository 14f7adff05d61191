/** What a run of a fuzzer found, as a line of JSON (`--json`), and what the shards of one found together (merge.ts). */
import { InputError } from '../../src/errors.ts';
import { checkShards, jsonLines } from '../../src/report/shards.ts';

export interface FuzzResult {
  readonly fuzz: string;
  /** Its options, but for the shard: equal for all shards of a run. */
  readonly options: string;
  readonly shard: string;
  /** Numbers that add up. */
  readonly counts: Readonly<Record<string, number>>;
  /** Numbers of which the largest counts. */
  readonly most: Readonly<Record<string, number>>;
  /** A line each. */
  readonly failures: readonly string[];
}

/** The options of a run without those that its shards do not share. */
export function runOptions(values: Readonly<Record<string, unknown>>): string {
  const { json, shard, ...options } = values;
  return JSON.stringify(options);
}

const isNumbers = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'number');

function isResult(value: unknown): value is FuzzResult {
  if (typeof value !== 'object' || value === null) return false;
  const { fuzz, options, shard, counts, most, failures } = value as Partial<Record<keyof FuzzResult, unknown>>;
  const texts = [fuzz, options, shard].every((one) => typeof one === 'string');
  return texts && isNumbers(counts) && isNumbers(most) && Array.isArray(failures);
}

function joined(
  parts: readonly Readonly<Record<string, number>>[],
  join: (a: number, b: number) => number,
): Record<string, number> {
  const all: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, value] of Object.entries(part)) all[name] = join(all[name] ?? 0, value);
  }
  return all;
}

/** @throws InputError when the lines are not the results of all shards of one run */
export function mergeResults(files: readonly { readonly path: string; readonly text: string }[]): FuzzResult {
  const parts = jsonLines(files).map(({ where, value }) => {
    if (!isResult(value)) throw new InputError(where, '', 'is no result of a fuzzer with --json');
    return { where, value };
  });
  checkShards(parts.map(({ where, value: { fuzz, options, shard } }) => ({ where, run: `${fuzz} ${options}`, shard })));
  const results = parts.map(({ value }) => value);
  return {
    ...(results[0] as FuzzResult),
    shard: '0/1',
    counts: joined(
      results.map(({ counts }) => counts),
      (a, b) => a + b,
    ),
    most: joined(
      results.map(({ most }) => most),
      Math.max,
    ),
    failures: results.flatMap(({ failures }) => failures),
  };
}
