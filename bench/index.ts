/**
 * Benchmarks: `npm run bench [-- GROUP...] [--json]`. Every figure is measured beside what it is compared with, in one run;
 * docs/performance.md says how to read them.
 */
import { spawnSync } from 'node:child_process';
import { isMainThread } from 'node:worker_threads';
import { oneOf, parseOptions, runScript } from '../scripts/script.ts';
import { InputError } from '../src/errors.ts';
import { benchCompute } from './compute.ts';
import { benchExplore } from './explore.ts';
import type { Measured } from './figures.ts';
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
  readonly run: (plugins: Plugins) => Promise<Measured>;
}

/** One row a group. */
const GROUPS: Readonly<Record<string, Group>> = {
  compute: { title: 'loops that compute, on every engine', run: benchCompute },
  kfunc: { title: 'cpumask kfuncs called from BPF, beside the live kernel and C', run: benchKfunc },
  translate: { title: 'from instructions to code that can run', run: benchTranslate },
  process: { title: 'the whole command: load, verify, compile and run an example', run: benchProcess },
  interp: { title: 'the checking interpreter, beside the live kernel', run: benchInterp },
  verifier: { title: 'the verifier, beside the live kernel', run: benchVerifier },
  explore: { title: 'interleavings tried a second, and how many the reduction leaves', run: benchExplore },
  kfuncs: { title: 'kfuncs called from TypeScript, beside typedfastbitset', run: benchKfuncs },
  parallel: { title: 'two threads that claim and give back bits of one word, 10 million times', run: benchParallel },
};
const NAMES = Object.keys(GROUPS);
const MACHINES = ['ubpf', 'rbpf'] as const;

const USAGE = `npm run bench -- [GROUP...] [--json] [--ubpf "PATH --jit"] [--rbpf "PATH --jit"]

${Object.entries(GROUPS)
  .map(([name, { title }]) => `  ${name.padEnd(10)} ${title}`)
  .join('\n')}`;

/** What goes wrong with a program that has started: it waits for more, or reads nothing. */
const STARTED = ['ETIMEDOUT', 'EPIPE'];

/** A plugin's command, once its program is known to start. */
function pluginOf(name: string, command: string): [string, string] {
  const [path = ''] = command.split(' ');
  if (path === '') throw new InputError(`--${name}`, '', 'needs the path of a plugin for bpf_conformance');
  const { error } = spawnSync(path, [], { input: '', timeout: 5000 });
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code && !STARTED.includes(code)) throw new InputError(`--${name}`, path, `cannot be started: ${code}`);
  return [name, command];
}

async function main(): Promise<number> {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, ubpf: { type: 'string' }, rbpf: { type: 'string' } },
  });
  const names = positionals.map((name) => oneOf('group', name, NAMES));
  const plugins = MACHINES.flatMap((name) => (values[name] === undefined ? [] : [pluginOf(name, values[name])]));
  for (const name of names.length ? names : NAMES) {
    const { title, run } = GROUPS[name] as Group;
    if (!values.json) console.log(`# ${name}: ${title}`);
    const { figures, table } = await run(plugins);
    if (values.json) for (const figure of figures) console.log(JSON.stringify(figure));
    else console.log(`${table}\n`);
  }
  return 0;
}

// Groups may start this file again: on threads of their own, or as processes.
const [first = '', second = ''] = process.argv.slice(2);
if (!isMainThread) await benchKfuncsHere();
else if (first === ONCE) verifyOnce(second);
else if (first === TRANSLATE_ONCE) translateOnce(Number(second));
else await runScript(USAGE, main);
