/** Exploration: schedules a second on pairs of programs, and how many of all orders the reduction leaves. */
import { readFileSync } from 'node:fs';
import { XT_EXITED } from '../assembly/kernel/explore_layout.ts';
import { ScheduleJudge } from '../src/explore/judge.ts';
import { type Problem, Search, type SearchResult } from '../src/explore/search.ts';
import { Space } from '../src/explore/space.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import type { Figure, Measured } from './figures.ts';
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
const CPUS = 4;

function open([file, ...programs]: readonly string[]) {
  const machine = createMachine({ cpus: CPUS, nrCpus: 64, memoryLimit: 64 << 20, explorable: true });
  const object = machine.load(readFileSync(`test/explore/races/${file}.bpf.o`));
  object.programs.find(({ name }) => name === 'set_up')?.run();
  const threads = programs.map((name, cpu) => ({ cpu, program: object.program(name) }));
  const space = new Space(machine, threads);
  const judge = new ScheduleJudge(space, object, []);
  const search = (reduce: boolean, limit = ALL): SearchResult<Problem> => {
    for (;;) {
      const result = new Search(space, judge, { failures: 0, preemptions: null, reduce, limit }).run();
      if (!result.again) return result;
    }
  };
  return { insns: instructionsOf(space), search };
}

/** Instructions of all programs together, one after the other. */
function instructionsOf(space: Space): number {
  const mark = space.mark();
  let insns = 0;
  for (const p of space.threads.keys()) {
    while (space.state(p) < XT_EXITED) space.step(p);
    insns += space.insns(p);
  }
  space.undo(mark);
  return insns;
}

/** Schedules a second of wall time, in searches of the pair one after another, when V8 has optimised them. */
function rate(search: () => SearchResult<Problem>): number {
  let schedules = 0;
  const warm = performance.now() + TIME;
  while (performance.now() < warm) search();
  const began = performance.now();
  while (performance.now() - began < TIME) schedules += search().schedules;
  return (schedules / (performance.now() - began)) * 1000;
}

export async function benchExplore(): Promise<Measured> {
  const figures: Figure[] = [];
  const figure = (name: string, perSecond: number): void => {
    const cpus = CPUS;
    figures.push({ group: 'explore', name, engine: 'explore', cpus, ns: 1e9 / perSecond, vsKernel: null, vsC: null });
  };
  const rows = PAIRS.map((pair) => {
    const { insns, search } = open(pair);
    const reduced = search(true);
    const all = search(false);
    const steps = Math.round(all.steps / all.schedules);
    const rates = [rate(() => search(true)), rate(() => search(false, 20_000))] as const;
    figure(pair.join(' '), rates[0]);
    figure(`${pair.join(' ')}, all orders`, rates[1]);
    return [
      pair.join(' '),
      `${insns}`,
      `${steps}`,
      `${reduced.schedules}`,
      all.exhausted ? `${all.schedules}` : `>${all.schedules}`,
      (reduced.schedules / all.schedules).toPrecision(2),
      ...rates.map((each) => Math.round(each).toString()),
    ];
  });
  const heading = ['pair', 'insns', 'steps', 'reduced', 'all orders', 'ratio', 'schedules/s', 'of all orders/s'];
  return { figures, table: table([heading, ...rows]) };
}
