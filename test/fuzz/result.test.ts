import { expect, it } from 'vitest';
import { type FuzzResult, mergeResults, runOptions } from './result.ts';

const options = runOptions({ seed: '7', count: '10', shard: '0/2', json: true });
const shard = (index: number, counts = { cases: 5 }, most = { ms: index + 1 }): FuzzResult => {
  return {
    fuzz: 'objects',
    options,
    shard: `${index}/2`,
    counts,
    most,
    failures: index === 1 ? ['case 3: hangs'] : [],
  };
};
const file = (...results: readonly unknown[]) => [
  { path: 'results', text: `${results.map((one) => JSON.stringify(one)).join('\n')}\n` },
];

it('adds up what shards found', () => {
  expect(mergeResults(file(shard(1, { cases: 4 }), shard(0)))).toEqual({
    fuzz: 'objects',
    options: '{"seed":"7","count":"10"}',
    shard: '0/1',
    counts: { cases: 9 },
    most: { ms: 2 },
    failures: ['case 3: hangs'],
  });
});

it.each([
  [[shard(0)], 'merge: missing: shard 1/2'],
  [[shard(0), shard(0)], 'results:2: shard 0/2 is also in results:1'],
  [[shard(0), { ...shard(1), options: '{}' }], 'results:2: is of another run than results:1'],
  [[shard(0), { ...shard(1), shard: '1/3' }], 'results:2: is shard 1/3, but others are of 2'],
  [[{ ...shard(0), shard: '2/2' }], 'results:1: there is no shard 2/2'],
  [[{ ...shard(0), shard: 'all' }], 'results:1: there is no shard all'],
  [[{}], 'results:1: is no result of a fuzzer with --json'],
  [[], 'merge: no results in these files'],
])('takes all shards of one run and nothing else: %#', (results, message) => {
  expect(() => mergeResults(file(...results))).toThrow(message);
});
