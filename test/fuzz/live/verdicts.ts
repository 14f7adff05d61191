/**
 * Random programs before the live kernel's verifier and ours: verdict, errno and message have to be equal, with `--log` the whole log at
 * level 2, which is not the same in all builds of a release. Needs root and a 6.18; nothing stays loaded.
 *
 *     npm run fuzz:verdicts -- [--family NAME] [--seed FIRST] [--count N] [--shard I/N] [--only SEED] [--show N] [--log] [--json]
 *
 * What a rule of later builds explains (test/verifier/later_builds.ts) is counted apart. Other differences are shrunk and printed as
 * assembly, one of each kind; the exit status is 1 then.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { oneOf, parseOptions, runScript, wholeNumber } from '../../../scripts/script.ts';
import { Btf } from '../../../src/btf/btf.ts';
import { NotSupported } from '../../../src/errors.ts';
import { loadProfile } from '../../../src/kernel/profile.ts';
import { readAsset } from '../../../src/platform/node/assets.ts';
import { liveKernel } from '../../../src/platform/node/live_kernel.ts';
import { parseShard } from '../../../src/report/shards.ts';
import { initRange } from '../../../src/verifier/index.ts';
import { type FamilyName, familyNames, randomProgram } from '../programs/families.ts';
import { type FuzzResult, runOptions } from '../result.ts';
import { seedsOf } from '../shard.ts';
import { compareProgram, shrink, type World } from './compare.ts';

/** Programs with an exception callback of their own can crash a 6.18: the kernel is never given them. */
const liveFamilies = familyNames.filter((name) => name !== 'exception');

const USAGE =
  'npm run fuzz:verdicts -- [--family NAME,...] [--seed FIRST] [--count N] [--shard I/N] [--only SEED] [--show N] [--messages] [--log] [--json]';

const chosenFamilies = (text: string): FamilyName[] =>
  text.split(',').map((name) => oneOf('--family', name, liveFamilies));

/** How often the kernel has crashed: programs that find its bugs must not go on finding them. */
const oopses = () => readFileSync('/sys/kernel/oops_count', 'utf8');

interface Tally {
  programs: number;
  accepted: number;
  different: number;
}

function main(): number {
  const { values } = parseOptions({
    options: {
      family: { type: 'string', default: liveFamilies.join() },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '100' },
      shard: { type: 'string', default: '0/1' },
      show: { type: 'string', default: '5' },
      only: { type: 'string' },
      messages: { type: 'boolean', default: false },
      log: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const shard = parseShard(values.shard);
  const families = chosenFamilies(values.family);
  const first = wholeNumber(values.only ? 'only' : 'seed', values.only ?? values.seed);
  const count = values.only ? 1 : wholeNumber('count', values.count);
  const show = wholeNumber('show', values.show);
  const { missing } = liveKernel();
  if (missing) throw new NotSupported(`a comparison with the live kernel: ${missing}`);
  const say = values.json ? console.error : console.log;
  const profile = loadProfile({ release: '6.18', readBtf: () => Btf.parse(readFileSync('/sys/kernel/btf/vmlinux')) });
  const before = oopses();
  const world: World = { profile, cpus: cpus().length, depth: values.log ? 'log' : 'message' };
  initRange(readAsset('dist/verifier.wasm'));
  const messages = new Map<string, number>();
  const kinds = new Map<string, string[]>();
  const later = new Map<string, number>();
  const counts: Record<string, number> = {};
  let total = 0;
  let different = 0;
  for (const family of families) {
    const tally: Tally = { programs: 0, accepted: 0, different: 0 };
    for (const seed of seedsOf(first, count, shard)) {
      const test = randomProgram(family, seed);
      if (oopses() !== before) throw new Error(`the kernel had an oops before ${test.name}: stopped`);
      const compared = compareProgram(test, world);
      if (!compared) continue;
      tally.programs++;
      if (compared.errno === 0) tally.accepted++;
      else messages.set(compared.message, (messages.get(compared.message) ?? 0) + 1);
      const { difference } = compared;
      if (compared.later) later.set(compared.later.what, (later.get(compared.later.what) ?? 0) + 1);
      if (!difference) continue;
      tally.different++;
      const seen = kinds.get(difference.key) ?? [];
      kinds.set(difference.key, [...seen, test.name]);
      if (seen.length > 0 || kinds.size > show) continue;
      const small = shrink(test, world, difference.key);
      const last = compareProgram(small, world)?.difference ?? difference;
      say(`--- ${test.name}\n  before ${last.before}\n  kernel ${last.kernel}\n  ours   ${last.ours}`);
      say(JSON.stringify({ ...small, asm: undefined }));
      say(small.asm);
    }
    total += tally.programs;
    different += tally.different;
    for (const [name, value] of Object.entries(tally)) counts[`${family} ${name}`] = value;
    const rate = Math.round((100 * tally.accepted) / Math.max(1, tally.programs));
    say(`${family}: ${tally.programs} programs, ${rate} % accepted by the kernel, ${tally.different} different`);
  }
  for (const [what, times] of later) say(`${times} by a rule of later builds: ${what}`);
  if (later.size > 0) counts['by a rule of later builds'] = [...later.values()].reduce((sum, times) => sum + times, 0);
  for (const [key, names] of kinds) say(`${names.length} ${key} (${names.slice(0, 4).join(', ')})`);
  const common = [...messages].sort(([, a], [, b]) => b - a);
  say(`${messages.size} messages; the most frequent:`);
  for (const [message, count] of common.slice(0, values.messages ? undefined : 12)) say(`${count} ${message}`);
  say(`${total} programs, ${different} different`);
  const failures = [...kinds].map(([key, names]) => `${key} (${names.slice(0, 4).join(', ')})`);
  const result: FuzzResult = {
    fuzz: 'verdicts',
    options: runOptions(values),
    shard: values.shard,
    counts,
    most: {},
    failures,
  };
  if (values.json) console.log(JSON.stringify(result));
  return different > 0 ? 1 : 0;
}

await runScript(USAGE, main);
