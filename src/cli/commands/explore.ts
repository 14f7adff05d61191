/** `explore OBJ`: every interleaving of a few programs, what goes wrong in one, and the schedule that shows it. */
import { createHash } from 'node:crypto';
import { type Command, Option } from 'commander';
import { EXIT, InputError } from '../../errors.ts';
import { type ExploreOptions, Explorer } from '../../explore/explore.ts';
import type { Assertion } from '../../explore/judge.ts';
import type { ThreadSpec } from '../../explore/space.ts';
import type { BpfObject } from '../../machine/object.ts';
import type { Program } from '../../machine/run.ts';
import { readUserFile } from '../../platform/node/files.ts';
import {
  type ExploreContext,
  type ExploreReport,
  exploreReport,
  findingLines,
  findingReport,
  formatExploration,
  threadReports,
} from '../../report/explore.ts';
import { faultsReport, formatFaults } from '../../report/explore_faults.ts';
import { mergeExplorations } from '../../report/explore_merge.ts';
import { parseShard } from '../../report/shards.ts';
import { plural } from '../../report/table.ts';
import type { CommandModule } from '../command.ts';
import { type InputFlags, inputOf, inputOptions, setUpTask } from '../inputs.ts';
import { Interrupt } from '../interrupt.ts';
import { openMachine } from '../machine.ts';
import { collect, count, type MachineFlags, machineOptions, refuse, settings } from '../options.ts';
import { isRejected } from '../rejected.ts';
import { note, print, printJson, progress } from '../terminal.ts';

interface ExploreFlags extends MachineFlags, InputFlags {
  readonly cpu?: readonly string[];
  readonly irq?: readonly string[];
  readonly setup?: readonly string[];
  readonly check?: string;
  readonly assert?: readonly string[];
  readonly preemptions?: number;
  readonly failures: number;
  readonly callbacks: number;
  readonly faults?: boolean;
  readonly limit?: number;
  readonly shard?: ExploreOptions['shard'];
  readonly merge?: readonly string[];
  readonly replay?: string;
  readonly unverified?: boolean;
  readonly set?: readonly string[];
  readonly reduce: boolean;
  readonly json?: boolean;
}

/** Bytes: what a few programs need, and little to look through. */
const MEMORY_LIMIT = 64 << 20;

const module: CommandModule = {
  define(command, done) {
    inputOptions(
      command
        .description(
          'Try every interleaving of programs that share maps and masks, and show the schedule of what goes wrong.',
        )
        .argument('[object]', 'compiled BPF object (*.bpf.o)')
        .option('--cpu <i=prog>', 'a program on a CPU; several of one CPU run in this order', collect)
        .option('--irq <i=prog>', 'a program that interrupts that CPU at any point', collect)
        .option('--setup <prog>', 'run it first, alone; may be repeated', collect)
        .option('--check <prog>', 'run it at the end of each schedule; what it returns must be 0')
        .option(
          '--assert <var=value>',
          'must hold at the end of each schedule (default: err=0, if there is an err)',
          collect,
        ),
    );
    machineOptions(
      command
        .addOption(
          new Option('--preemptions <n>', 'try every order with at most so many preemptions').argParser(
            count('--preemptions', 0, 100),
          ),
        )
        .addOption(
          new Option('--failures <n>', 'allocations that may give NULL on one path')
            .argParser(count('--failures', 0, 100))
            .default(1),
        )
        .addOption(
          new Option('--callbacks <n>', 'callbacks that each timer and work item may begin on one path')
            .argParser(count('--callbacks', 0, 1000))
            .default(2),
        )
        .option('--faults', 'one run for each allocation that can fail, and what the program makes of it')
        .addOption(new Option('--limit <n>', 'schedules at most').argParser(count('--limit', 1, 1e12)))
        .addOption(new Option('--shard <i/n>', 'only part i of n; parts add up to all').argParser(parseShard))
        .option('--merge <file...>', 'no exploration, but the whole of what --json printed for every shard')
        .option('--replay <schedule>', 'run this schedule, as a finding printed it')
        .option('--unverified', 'run programs that the verifier refuses, to see why it does')
        .option('--set <var=value>', 'give a global variable its value before load; may be repeated', collect)
        .option('--no-reduce', 'try orders that come to the same as well')
        .option('--json', 'one JSON object'),
    )
      .addHelpText('after', EXAMPLES)
      .action(async (path: string | undefined, flags: ExploreFlags) => {
        refuseIdle(command, flags);
        if (flags.merge) done(merge(path, flags.merge, flags));
        else if (path !== undefined) done(await explore(path, flags));
        else throw new InputError('explore', '', 'name an object, as in explore my.bpf.o --cpu 0=PROG --cpu 1=PROG');
      });
  },
};

const EXAMPLES = `
Steps end where a program touches memory that another one touches; orders of steps that do not depend on each other count
once. Grace periods, callbacks of timers and work items, and allocations that fail are tried too. Operations on whole masks (or,
copy, empty) read and write word by word, as on real CPUs.

  bpf-cpumask explore my.bpf.o --setup init --cpu 0=claim --cpu 1=claim --check check
  bpf-cpumask explore my.bpf.o --cpu 0=update --irq 0=tick --preemptions 2
  bpf-cpumask explore --merge shard-*.json

Exit status: 0 nothing wrong, 1 a finding or a program that the verifier refuses, 2 bad input, 130 (SIGINT) or 143 (SIGTERM)
interrupted without a finding until then.`;

/** Options that bound a search, and mean nothing where there is none. */
const SEARCH = ['--preemptions', '--failures', '--limit', '--shard', '--no-reduce'];

/** Refuses options that would be without effect. */
function refuseIdle(command: Command, { merge, replay, faults }: ExploreFlags): void {
  if (merge) {
    const others = command.options
      .map(({ long }) => long ?? '')
      .filter((long) => !['--merge', '--json'].includes(long));
    refuse(command, others, 'does not go with --merge, which takes results alone');
  }
  if (replay !== undefined)
    refuse(command, [...SEARCH, '--faults'], 'does not go with --replay, which runs one schedule');
  if (faults) refuse(command, SEARCH, 'does not go with --faults, which runs the programs one after another');
}

function merge(path: string | undefined, files: readonly string[], flags: ExploreFlags): number {
  if (path !== undefined) throw new InputError('--merge', '', `takes results alone, not ${path} as well`);
  const decoder = new TextDecoder();
  return show(
    mergeExplorations(files.map((file) => ({ path: file, text: decoder.decode(readUserFile(file)) }))),
    flags,
  );
}

function show(report: ExploreReport, { json }: ExploreFlags): number {
  if (json) printJson(report);
  else print(formatExploration(report));
  return report.findings.length === 0 ? EXIT.ok : EXIT.failed;
}

/** A name for what is explored: the bytes of the object, and every option that has to do with it. */
function spaceOf(bytes: Uint8Array, { shard, json, merge, replay, faults, btf, ...flags }: ExploreFlags): string {
  const hash = createHash('sha256').update(bytes);
  if (btf !== undefined) hash.update(readUserFile(btf));
  const options = Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1));
  hash.update(JSON.stringify(options, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
  return hash.digest('hex').slice(0, 16);
}

async function explore(path: string, flags: ExploreFlags): Promise<number> {
  const machine = openMachine({ ...flags, explorable: true, memoryLimit: MEMORY_LIMIT }, 'interp');
  setUpTask(machine, flags);
  const bytes = readUserFile(path);
  const object = machine.load(bytes, {
    name: path,
    set: settings(flags.set ?? []),
    unverified: flags.unverified,
  });
  const threads = threadsOf(object, flags, machine.cpus);
  const setUp = (flags.setup ?? []).map((name) => object.program(name));
  const check = flags.check === undefined ? null : threadOf(object.program(flags.check), 0, flags);
  const programs = [...setUp, ...threads.map(({ program }) => program), ...(check ? [check.program] : [])];
  if (areRejected(programs, flags)) return EXIT.failed;
  for (const program of setUp) runSetUp(program, flags);
  const context: ExploreContext = {
    object: object.name,
    machine,
    threads,
    space: spaceOf(bytes, flags),
    shard: flags.shard ? `${flags.shard.index}/${flags.shard.count}` : null,
  };
  const tick = progress(flags.json);
  const interrupt = new Interrupt();
  const explorer = new Explorer(object, {
    threads,
    check,
    assertions: assertionsOf(object, flags.assert),
    failures: flags.failures,
    callbacks: flags.callbacks,
    preemptions: flags.preemptions ?? null,
    reduce: flags.reduce,
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    shard: flags.shard,
    onProgress: (schedules, findings) => {
      tick(`${plural(schedules, 'schedule')}, ${plural(findings, 'finding')}`);
      return interrupt.status === null;
    },
  });
  if (flags.faults) return showFaults(explorer, context, flags);
  if (flags.replay !== undefined) return replay(explorer, context, flags.replay, flags);
  using _ = interrupt.listen();
  const report = exploreReport(await explorer.runAsync(), context);
  tick(null);
  const status = show(report, flags);
  return status === EXIT.ok && report.stopped === 'interrupted' ? (interrupt.status ?? status) : status;
}

/** Says of each program that is refused why; true when one is. */
function areRejected(programs: readonly Program[], flags: ExploreFlags): boolean {
  const refused = [...new Set(programs)].filter(
    (program) => !(flags.unverified && program.reject === null) && isRejected(program, flags),
  );
  if (refused.some(({ reject }) => reject === null)) note('--unverified runs it all the same, to see what comes of it');
  return refused.length > 0;
}

function runSetUp(program: Program, flags: ExploreFlags): void {
  const { retval, fault } = program.run(inputOf(program, flags));
  if (fault) {
    throw new InputError(program.object.name, `program ${program.name}`, `set-up ended with a fault: ${fault.kind}`);
  }
  if (retval !== 0) note(`${program.name} returned ${retval | 0}; exploring what comes after that`);
}

function threadOf(program: Program, cpu: number, flags: ExploreFlags): ThreadSpec {
  return { cpu, program, options: inputOf(program, flags) };
}

function threadsOf(object: BpfObject, flags: ExploreFlags, cpus: number): ThreadSpec[] {
  const { cpu = [], irq = [] } = flags;
  const read = (option: string, text: string) => {
    const [, on = '', name = ''] = /^(\d{1,4})=(\w+)$/.exec(text) ?? [];
    if (name === '') throw new InputError(option, '', `"${text}" is not CPU=PROGRAM, as in 0=claim`);
    if (Number(on) >= cpus) throw new InputError(option, '', `the machine has CPUs 0-${cpus - 1}`);
    return threadOf(object.program(name), Number(on), flags);
  };
  const threads: ThreadSpec[] = [
    ...cpu.map((text) => read('--cpu', text)),
    ...irq.map((text) => ({ ...read('--irq', text), irq: true })),
  ];
  if (threads.length > 0) return threads;
  const names = object.programs.map(({ name }) => name).join(', ');
  throw new InputError(
    'explore',
    '',
    `say what runs where, as in --cpu 0=PROG --cpu 1=PROG; there are ${names || 'no programs'}`,
  );
}

function assertionsOf(object: BpfObject, words: readonly string[] | undefined): Assertion[] {
  if (words) return Object.entries(settings(words, '--assert')).map(([variable, value]) => ({ variable, value }));
  const counts = object.globals.names().includes('err') && typeof object.globals.get('err') === 'number';
  return counts ? [{ variable: 'err', value: '0' }] : [];
}

function replay(explorer: Explorer, context: ExploreContext, schedule: string, { json }: ExploreFlags): number {
  const finding = explorer.replay(schedule);
  const report = finding && findingReport(finding, context);
  if (json) printJson(report);
  else if (!report) print('nothing wrong in this schedule');
  else print(findingLines(report, threadReports(context)).join('\n'));
  return report ? EXIT.failed : EXIT.ok;
}

function showFaults(explorer: Explorer, context: ExploreContext, { json }: ExploreFlags): number {
  const report = faultsReport(explorer.faults(), context);
  if (json) printJson(report);
  else print(formatFaults(report));
  return report.faults.some(({ finding }) => finding) ? EXIT.failed : EXIT.ok;
}

export const { define } = module;
