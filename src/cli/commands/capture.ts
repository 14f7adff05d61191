/** `capture`: golden vectors of the kernel that runs here. */
import { release } from 'node:os';
import { type Command, Option } from 'commander';
import type { GoldenStream } from '../../engine/golden.ts';
import { generateStream, PROFILES, type ProfileName } from '../../engine/golden_generate.ts';
import { createLiveVectorEngine } from '../../engine/live_golden.ts';
import { EXIT, InputError } from '../../errors.ts';
import { readAsset } from '../../platform/node/assets.ts';
import { getAffinity, possibleCpus, setAffinity } from '../../platform/node/sched_affinity.ts';
import { count } from '../options.ts';
import { note, print } from '../terminal.ts';

interface Flags {
  readonly streams: number;
  readonly ops: number;
  readonly seed: number;
}

/** A stream is kept when the kernel gives the same results this many times in a row. */
const RUNS = 3;

export function define(command: Command, done: (status: number) => void): void {
  const number = (flag: string, text: string, least: number, most: number, value: number) =>
    new Option(`${flag} <n>`, text).argParser(count(flag, least, most)).default(value);
  command
    .description('Record golden vectors of the running kernel, as `replay` reads them, on stdout (Linux, privileges).')
    .addHelpText('after', '\n  sudo bpf-cpumask capture --streams 2 > mine.jsonl && bpf-cpumask replay mine.jsonl')
    .addOption(number('--streams', 'streams of each profile', 1, 100_000, 7))
    .addOption(number('--ops', 'operations of a stream', 1, 900, 60))
    .addOption(number('--seed', 'seed of the first stream', 0, 2 ** 31, 1))
    .action(({ streams, ops: length, seed }: Flags) => {
      const affinity = getAffinity();
      // The distribute state is per CPU: everything runs on one.
      setAffinity([affinity.first ?? 0]);
      using engine = createLiveVectorEngine(readAsset('dist/live_golden.bpf.o'), release(), possibleCpus());
      const { kernel, nrCpuIds, nrCpus, populate } = engine.facts;
      let written = 0;
      for (const profile of Object.keys(PROFILES) as ProfileName[]) {
        if (profile === 'pop' && !populate) continue;
        for (let i = 0; i < streams; i++, seed++) {
          const ops = generateStream(profile, seed, length, engine.facts);
          const id = `${kernel}-nr${nrCpuIds}-${profile}-${seed}`;
          const stream: GoldenStream = { id, kernel, nrCpuIds, nrCpus, ops, results: [] };
          const runs = Array.from({ length: RUNS }, () => JSON.stringify(engine.execute(stream)));
          if (new Set(runs).size !== 1) {
            note(`${id}: left out, its results differ from run to run`);
            continue;
          }
          const head = { id, kernel, arch: ARCH[process.arch] ?? process.arch, nr_cpu_ids: nrCpuIds, NR_CPUS: nrCpus };
          const results = JSON.parse(runs[0] ?? '[]') as unknown;
          print(JSON.stringify({ ...head, populate, profile, seed, ops, results }));
          written++;
        }
      }
      if (written === 0) throw new InputError(kernel, '', 'gave no stream the same results twice');
      note(`${written} streams of ${kernel}, nr_cpu_ids ${nrCpuIds}, NR_CPUS ${nrCpus}`);
      done(EXIT.ok);
    });
}

/** uname -m by Node's name. */
const ARCH: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
