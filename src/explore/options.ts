/** Holds the options of an exploration against the machine, before anything is made for it. */
import { InputError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';
import type { ExploreOptions } from './explore.ts';

/** Processes are bits of an integer. */
const MAX_THREADS = 29;

const COUNTS = [
  ['failures', 0],
  ['callbacks', 0],
  ['preemptions', 0],
  ['limit', 1],
] as const;

function bad(where: string, problem: string): InputError {
  return new InputError('explore', where, problem);
}

/**
 * The machine that the programs are loaded into.
 * @throws InputError for threads that it cannot have, for one that is not explorable, and for bounds that are none
 */
export function checkOptions(options: ExploreOptions): Machine {
  const { threads, check, shard } = options;
  const machine = threads[0]?.program.machine;
  if (!machine || threads.length > MAX_THREADS)
    throw bad('', `give 1 to ${MAX_THREADS} programs, not ${threads.length}`);
  if (!machine.explorable) throw bad('machine', 'cannot go back; make it with createMachine({ explorable: true })');
  for (const { cpu, program } of [...threads, ...(check ? [check] : [])]) {
    if (program.machine !== machine) throw bad(program.name, 'is loaded into another machine than the first program');
    if (!(Number.isInteger(cpu) && cpu >= 0 && cpu < machine.cpus)) {
      throw bad(program.name, `there is no CPU ${cpu}: the machine has CPUs 0-${machine.cpus - 1}`);
    }
  }
  for (const [name, least] of COUNTS) {
    const value = options[name] ?? least;
    if (!(Number.isSafeInteger(value) && value >= least))
      throw bad(name, `${value} is not a whole number from ${least}`);
  }
  if (shard) checkShard(shard);
  return machine;
}

function checkShard({ index, count }: NonNullable<ExploreOptions['shard']>): void {
  if (Number.isSafeInteger(count) && Number.isInteger(index) && index >= 0 && index < count) return;
  throw bad('shard', `there is no part ${index} of ${count}; they count from 0`);
}
