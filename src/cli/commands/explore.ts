/** `explore OBJ`: every interleaving of a few programs, what goes wrong in one, and the schedule that shows it. */
import { createHash } from 'node:crypto';
import { Option } from 'commander';
import { EXIT, InputError } from '../../errors.ts';
import { type ExploreOptions, Explorer } from '../../explore/explore.ts';
import type { Assertion } from '../../explore/judge.ts';
import type { ThreadSpec } from '../../explore/space.ts';
import type { BpfObject } from '../../machine/object.ts';
import { readUserFile } from '../../platform/node/files.ts';
import {
  type ExploreContext,
  type ExploreReport,
  exploreReport,
  faultPointLines,
  findingLines,
  findingReport,
  formatExploration,
  threadReports,
} from '../../report/explore.ts';
import { mergeExplorations } from '../../report/explore_merge.ts';
import type { CommandModule } from '../command.ts';
import { openMachine } from '../machine.ts';
import { collect, count, type MachineFlags, machineOptions, settings } from '../options.ts';
import { note, print, printJson, progress } from '../terminal.ts';

interface ExploreFlags extends MachineFlags {
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
    machineOptions(
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
        )
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
        .addOption(
          new Option(
            '--faults',
            'one run for each allocation that can fail, and what the program makes of it',
          ).conflicts('replay'),
        )
        .addOption(new Option('--limit <n>', 'schedules at most').argParser(count('--limit', 1, 1e12)))
        .addOption(new Option('--shard <i/n>', 'only part i of n; parts add up to all').argParser(shard))
        .option('--merge <file...>', 'no exploration, but the whole of what --json printed for every shard')
        .option('--replay <schedule>', 'run this schedule, as a finding printed it')
        .option('--unverified', 'run programs that the verifier refuses, to see why it does')
        .option('--set <var=value>', 'give a global variable its value before load; may be repeated', collect)
        .option('--no-reduce', 'try orders that come to the same as well')
        .option('--json', 'one JSON object'),
    )
      .addHelpText('after', EXAMPLES)
      .action((path: string | undefined, flags: ExploreFlags) => {
        if (flags.merge) done(merge(path, flags.merge, flags));
        else if (path !== undefined) done(explore(path, flags));
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
  bpf-cpumask explore --merge shard-*.json`;

/** `0/4` -> index 0 of 4 */
function shard(text: string): { index: number; count: number } {
  const [, index = '', of = ''] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const parts = { index: Number(index), count: Number(of) };
  if (of === '' || parts.count < 1 || parts.index >= parts.count) {
    throw new InputError('--shard', '', `"${text}" is no part; write 0/4 for the first of four`);
  }
  return parts;
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

function explore(path: string, flags: ExploreFlags): number {
  const machine = openMachine({ ...flags, explorable: true, memoryLimit: MEMORY_LIMIT }, 'interp');
  const bytes = readUserFile(path);
  const object = machine.load(bytes, {
    name: path,
    set: settings(flags.set ?? []),
    unverified: flags.unverified,
  });
  for (const name of flags.setup ?? []) setUp(object, name);
  const threads = threadsOf(object, flags, machine.cpus);
  const context: ExploreContext = {
    object: object.name,
    machine,
    threads,
    space: spaceOf(bytes, flags),
    shard: flags.shard ? `${flags.shard.index}/${flags.shard.count}` : null,
  };
  const check = flags.check === undefined ? null : { cpu: 0, program: object.program(flags.check) };
  const tick = progress(flags.json);
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
    onProgress: (schedules) => {
      tick(`${schedules} schedules`);
      return true;
    },
  });
  if (flags.faults) return showFaults(explorer, context, flags);
  if (flags.replay !== undefined) return replay(explorer, context, flags.replay, flags);
  const report = exploreReport(explorer.run(), context);
  tick(null);
  return show(report, flags);
}

function setUp(object: BpfObject, name: string): void {
  const { retval, fault } = object.program(name).run();
  if (fault) throw new InputError(object.name, `program ${name}`, `set-up ended with a fault: ${fault.kind}`);
  if (retval !== 0) note(`${name} returned ${retval | 0}; exploring what comes after that`);
}

function threadsOf(object: BpfObject, { cpu = [], irq = [] }: ExploreFlags, cpus: number): ThreadSpec[] {
  const read = (option: string, text: string) => {
    const [, on = '', name = ''] = /^(\d{1,4})=(\w+)$/.exec(text) ?? [];
    if (name === '') throw new InputError(option, '', `"${text}" is not CPU=PROGRAM, as in 0=claim`);
    if (Number(on) >= cpus) throw new InputError(option, '', `the machine has CPUs 0-${cpus - 1}`);
    return { cpu: Number(on), program: object.program(name) };
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
  if (words) return Object.entries(settings(words, '--assert')).map((entry) => assertion(object, ...entry));
  return object.globals.names().includes('err') ? [{ variable: 'err', value: '0' }] : [];
}

function assertion(object: BpfObject, variable: string, value: string): Assertion {
  const now = object.globals.get(variable);
  if (typeof now !== 'number' && typeof now !== 'bigint') return { variable, value };
  if (!/^(0x[0-9a-f]{1,16}|-?\d{1,20})$/i.test(value)) {
    throw new InputError(`--assert ${variable}`, '', `"${value}" is no whole number`);
  }
  return { variable, value: `${BigInt(value)}` };
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
  const points = explorer.faults();
  const { machine } = context;
  const rows = points.map(({ finding, program, ...point }) => ({
    ...point,
    program: program === null ? null : (machine.programById(program)?.name ?? null),
    finding: finding?.text ?? null,
  }));
  if (json) printJson({ object: context.object, faults: rows });
  else print(faultPointLines(points, context).join('\n'));
  return points.some(({ finding }) => finding) ? EXIT.failed : EXIT.ok;
}

export const { define } = module;
