/**
 * Random programs that the verifier accepts, with random maps, packets and contexts in the checking interpreter: none may fault.
 *
 *     npm run fuzz:sound -- [--seed FIRST] [--count N] [--shard I/N] [--json]
 *
 * `--count` counts programs, of which about half are accepted. The exit status is 1 when one faulted.
 */
import { parseOptions, runScript, wholeNumber } from '../../../scripts/script.ts';
import { progress } from '../../../src/cli/terminal.ts';
import { parseShard } from '../../../src/report/shards.ts';
import { type FuzzResult, runOptions } from '../result.ts';
import { seedsOf } from '../shard.ts';
import { fuzzSoundness } from '../sound.ts';

const USAGE = 'npm run fuzz:sound -- [--seed FIRST] [--count N] [--shard I/N] [--json]';

function main(): number {
  const { values } = parseOptions({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '10000' },
      shard: { type: 'string', default: '0/1' },
      json: { type: 'boolean', default: false },
    },
  });
  const say = values.json ? console.error : console.log;
  const show = progress();
  const seeds = seedsOf(wholeNumber('seed', values.seed), wholeNumber('count', values.count), parseShard(values.shard));
  const { failures, notSupported, ...counts } = fuzzSoundness(seeds, (programs, accepted) => {
    if (programs % 100 === 0) show(`${programs} programs, ${accepted} accepted`);
  });
  show(null);
  for (const { seed, text } of failures) say(`seed ${seed}\n${text}\n`);
  for (const [feature, times] of notSupported) say(`${times} not supported here: ${feature}`);
  const { programs, accepted, runs, instructions } = counts;
  say(
    `${programs} programs, ${accepted} accepted, ${runs} runs, ${instructions} instructions, ${failures.length} faults`,
  );
  const result: FuzzResult = {
    fuzz: 'sound',
    options: runOptions(values),
    shard: values.shard,
    counts: { ...counts, notSupported: [...notSupported.values()].reduce((sum, times) => sum + times, 0) },
    most: {},
    failures: failures.map(({ seed }) => `seed ${seed}`),
  };
  if (values.json) console.log(JSON.stringify(result));
  return failures.length > 0 ? 1 : 0;
}

await runScript(USAGE, main);
