/** Benchmarks: `npm run bench [-- GROUP...]`. Every figure is measured beside what it is compared with, in one run. */
import { isMainThread } from 'node:worker_threads';
import { benchExplore } from './explore.ts';
import { benchInterp } from './interp.ts';
import { benchKfuncs, benchKfuncsHere } from './kfuncs.ts';
import { benchParallel } from './parallel.ts';
import { benchVerifier, ONCE, verifyOnce } from './verifier.ts';

/** One row a group. */
const GROUPS: Readonly<Record<string, { title: string; run: () => Promise<void> }>> = {
  interp: { title: 'the checking interpreter, beside the live kernel', run: benchInterp },
  verifier: { title: 'the verifier, beside the live kernel', run: benchVerifier },
  explore: { title: 'interleavings tried a second, and how many the reduction leaves', run: benchExplore },
  kfuncs: { title: 'kfuncs called from TypeScript, beside typedfastbitset', run: benchKfuncs },
  parallel: { title: 'two threads that claim and give back bits of one word, 10 million times', run: benchParallel },
};

async function main(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.filter((name) => !Object.hasOwn(GROUPS, name));
  if (unknown.length) {
    console.error(`no such group: ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  for (const [name, { title, run }] of Object.entries(GROUPS)) {
    if (wanted.length && !wanted.includes(name)) continue;
    console.log(`# ${name}: ${title}`);
    await run();
    console.log('');
  }
}

// Groups may start this file again: on threads of their own, or as processes.
const [first = '', second = ''] = process.argv.slice(2);
if (!isMainThread) await benchKfuncsHere();
else if (first === ONCE) verifyOnce(second);
else await main(process.argv.slice(2));
