// node scripts/run.mjs test/fuzz/sound/main.ts [FIRST-SEED] [COUNT]: accepted random programs in the checking interpreter.
import { fuzzSoundness } from '../sound.ts';

const [first = 1, count = 10_000] = process.argv.slice(2).map(Number);
const { failures, notSupported, ...stats } = fuzzSoundness(first, count);
for (const { seed, text } of failures) console.log(`seed ${seed}\n${text}\n`);
console.log(stats, Object.fromEntries(notSupported));
process.exitCode = failures.length > 0 ? 1 : 0;
