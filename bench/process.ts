/** The whole command: `bpf-cpumask run` of an example in a process of its own, which loads, verifies, compiles, runs and reports. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { liveKernel } from '../src/platform/node/live_kernel.ts';
import { possibleCpus } from '../src/platform/node/sched_affinity.ts';
import { asTable, type Figure, type Measured, median } from './figures.ts';

const EXAMPLES = ['affinity', 'balance', 'share'];
const ROUNDS = 9;
/** Those engines of the command that are there; the live kernel's process starts as slowly as ours. */
const engines = () => ['jit', 'interp', ...(liveKernel().missing ? [] : ['live'])];

const path = (name: string) => fileURLToPath(new URL(name, PACKAGE_ROOT ?? import.meta.url));

function once(example: string, engine: string, cpus: number): number {
  const object = path(`examples/${example}/${example}.bpf.o`);
  const size = engine === 'live' ? [] : ['--cpus', `${cpus}`];
  const begin = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [path('dist/cli.cjs'), 'run', object, '--engine', engine, ...size],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${example} on ${engine}: ${stderr}`);
  return (performance.now() - begin) * 1e6;
}

export async function benchProcess(): Promise<Measured> {
  const cpus = possibleCpus();
  const figures = EXAMPLES.flatMap((name) => {
    const times = engines().map((engine) => ({ engine, samples: [] as number[] }));
    for (let round = 0; round < ROUNDS; round++) {
      for (const { engine, samples } of times) samples.push(once(name, engine, cpus));
    }
    const live = times.find(({ engine }) => engine === 'live');
    return times.map(({ engine, samples }): Figure => {
      const ns = median(samples);
      const vsKernel = live ? ns / median(live.samples) : null;
      return { group: 'process', name, engine, cpus, ns, vsKernel, vsC: null };
    });
  });
  return asTable(figures);
}
