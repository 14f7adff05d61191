import { expect, it } from 'vitest';
import { type FuzzResult, mergeResults, runOptions } from './result.ts';

const options = runOptions({ seed: '7', count: '10', shard: '1/2', json: true });
const shard = (index: number, counts = { cases: 5 }, most = { ms: index }): FuzzResult => {
  return {
    fuzz: 'objects',
    options,
    shard: `${index}/2`,
    counts,
    most,
    failures: index === 2 ? ['case 3: hangs'] : [],
  };
};
const file = (...results: readonly unknown[]) => [
  { path: 'results', text: `${results.map((one) => JSON.stringify(one)).join('\n')}\n` },
];

it('adds up what shards found', () => {
  expect(mergeResults(file(shard(2, { cases: 4 }), shard(1)))).toEqual({
    fuzz: 'objects',
    options: '{"seed":"7","count":"10"}',
    shard: '1/1',
    counts: { cases: 9 },
    most: { ms: 2 },
    failures: ['case 3: hangs'],
  });
});

it.each([
  [[shard(1)], 'merge: missing: shard 2/2'],
  [[shard(1), shard(1)], 'results:2: shard 1/2 is also in results:1'],
  [[shard(1), { ...shard(2), options: '{}' }], 'results:2: is of another run than results:1'],
  [[shard(1), { ...shard(2), shard: '2/3' }], 'results:2: is shard 2/3, but others are of 2'],
  [[{ ...shard(1), shard: '3/2' }], 'results:1: there is no shard 3/2'],
  [[{ ...shard(1), shard: 'all' }], 'results:1: there is no shard all'],
  [[{}], 'results:1: is no result of a fuzzer with --json'],
  [[], 'merge: no results in these files'],
])('takes all shards of one run and nothing else: %#', (results, message) => {
  expect(() => mergeResults(file(...results))).toThrow(message);
});
