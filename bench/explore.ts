/** Exploration: schedules a second on pairs of programs, and how many of all orders the reduction leaves. */
import { readFileSync } from 'node:fs';
import { ScheduleJudge } from '../src/explore/judge.ts';
import { Search, type SearchResult } from '../src/explore/search.ts';
import { Space } from '../src/explore/space.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { table } from './table.ts';

const PAIRS = [
  ['over_limit', 'take_right', 'take_right'],
  ['torn_partition', 'move_right', 'look'],
  ['null_path', 'claim_right', 'claim_right'],
  ['unlocked_pair', 'move_right', 'look_right'],
] as const;
/** Milliseconds of each measurement, and all orders that are tried of one pair at most. */
const TIME = 1500;
const ALL = 2_000_000;

function open([file, ...programs]: readonly string[]) {
  const machine = createMachine({ cpus: 4, nrCpus: 64, memoryLimit: 64 << 20, explorable: true });
  const object = machine.load(readFileSync(`test/explore/races/${file}.bpf.o`));
  object.programs.find(({ name }) => name === 'set_up')?.run();
  const threads = programs.map((name, cpu) => ({ cpu, program: object.program(name) }));
  const space = new Space(machine, threads);
  const judge = new ScheduleJudge(space, object, []);
  return (reduce: boolean, limit = ALL): SearchResult<unknown & { key: string; text: string }> => {
    for (;;) {
      const result = new Search(space, judge, { failures: 0, preemptions: null, reduce, limit }).run();
      if (!result.again) return result;
    }
  };
}

/** Schedules a second of wall time, in searches of the pair one after another. */
function rate(search: () => SearchResult<{ key: string; text: string }>): number {
  let schedules = 0;
  const began = performance.now();
  while (performance.now() - began < TIME) schedules += search().schedules;
  return (schedules / (performance.now() - began)) * 1000;
}

export async function benchExplore(): Promise<void> {
  const rows = PAIRS.map((pair) => {
    const search = open(pair);
    const reduced = search(true);
    const all = search(false);
    const steps = Math.round(all.steps / all.schedules);
    return [
      pair.join(' '),
      `${steps}`,
      `${reduced.schedules}`,
      all.exhausted ? `${all.schedules}` : `>${all.schedules}`,
      (reduced.schedules / all.schedules).toPrecision(2),
      Math.round(rate(() => search(true))).toString(),
      Math.round(rate(() => search(false, 20_000))).toString(),
    ];
  });
  const heading = ['pair', 'steps', 'reduced', 'all orders', 'ratio', 'schedules/s', 'of all orders/s'];
  console.log(table([heading, ...rows]));
}
