/** Benchmarks: `npm run bench [-- GROUP...]`. Every figure is measured beside what it is compared with, in one run. */
import { benchInterp } from './interp.ts';
import { benchKfuncs } from './kfuncs.ts';

/** One row a group. */
const GROUPS: Readonly<Record<string, { title: string; run: () => Promise<void> }>> = {
  interp: { title: 'the checking interpreter, beside the live kernel', run: benchInterp },
  kfuncs: { title: 'kfuncs called from TypeScript, beside typedfastbitset', run: benchKfuncs },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(GROUPS, name));
if (unknown.length) {
  console.error(`no such group: ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`);
  process.exitCode = 2;
} else {
  for (const [name, { title, run }] of Object.entries(GROUPS)) {
    if (wanted.length && !wanted.includes(name)) continue;
    console.log(`# ${name}: ${title}`);
    await run();
    console.log('');
  }
}
