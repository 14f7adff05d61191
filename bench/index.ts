/**
 * Benchmarks: `npm run bench [-- GROUP...] [--json]`. Every figure is measured beside what it is compared with, in one run;
 * docs/performance.md says how to read them.
 */

import { parseArgs } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { benchCompute } from './compute.ts';
import { benchExplore } from './explore.ts';
import { type Figure, figureTable } from './figures.ts';
import { benchInterp } from './interp.ts';
import { benchKfunc } from './kfunc.ts';
import { benchKfuncs, benchKfuncsHere } from './kfuncs.ts';
import { benchParallel } from './parallel.ts';
import { benchProcess } from './process.ts';
import { benchTranslate, TRANSLATE_ONCE, translateOnce } from './translate.ts';
import { benchVerifier, ONCE, verifyOnce } from './verifier.ts';

/** Other machines by name, and the commands of their plugins. */
type Plugins = readonly [string, string][];

interface Group {
  readonly title: string;
  /** Gives figures, which are printed as a table or as JSON; or prints a table itself, which there is no JSON of. */
  readonly run: (plugins: Plugins) => Promise<Figure[] | undefined>;
}

const tableOnly = (run: () => Promise<void>) => async () => {
  await run();
  return undefined;
};

/** One row a group. */
const GROUPS: Readonly<Record<string, Group>> = {
  compute: { title: 'loops that compute, on every engine', run: benchCompute },
  kfunc: { title: 'cpumask kfuncs called from BPF, beside the live kernel and C', run: benchKfunc },
  translate: { title: 'from instructions to code that can run', run: benchTranslate },
  process: { title: 'the whole command: load, verify, compile and run an example', run: benchProcess },
  interp: { title: 'the checking interpreter, beside the live kernel', run: tableOnly(benchInterp) },
  verifier: { title: 'the verifier, beside the live kernel', run: tableOnly(benchVerifier) },
  explore: {
    title: 'interleavings tried a second, and how many the reduction leaves',
    run: tableOnly(benchExplore),
  },
  kfuncs: { title: 'kfuncs called from TypeScript, beside typedfastbitset', run: tableOnly(benchKfuncs) },
  parallel: {
    title: 'two threads that claim and give back bits of one word, 10 million times',
    run: tableOnly(benchParallel),
  },
};
/** Groups that give figures. */
const JSON_GROUPS = ['compute', 'kfunc', 'translate', 'process'];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, ubpf: { type: 'string' }, rbpf: { type: 'string' } },
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(GROUPS, name));
  if (unknown.length) {
    console.error(`no such group: ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const plugins: [string, string][] = [];
  for (const name of ['ubpf', 'rbpf'] as const) if (values[name]) plugins.push([name, values[name]]);
  const all = values.json ? JSON_GROUPS : Object.keys(GROUPS);
  for (const name of positionals.length ? positionals : all) {
    const { title, run } = GROUPS[name] as Group;
    if (!values.json) console.log(`# ${name}: ${title}`);
    const figures = await run(plugins);
    if (values.json) for (const figure of figures ?? []) console.log(JSON.stringify(figure));
    else if (figures) console.log(figureTable(figures));
    if (!values.json) console.log('');
  }
}

// Groups may start this file again: on threads of their own, or as processes.
const [first = '', second = ''] = process.argv.slice(2);
if (!isMainThread) await benchKfuncsHere();
else if (first === ONCE) verifyOnce(second);
else if (first === TRANSLATE_ONCE) translateOnce(Number(second));
else await main();
