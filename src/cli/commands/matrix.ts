/** `matrix OBJ...`: which kernels accept the programs of an object, and why not. */
import { type Command, Option } from 'commander';
import { EXIT, InputError } from '../../errors.ts';
import { compareReleases, type Release } from '../../kernel/bpf/rows.ts';
import { checkRelease, profileReleases } from '../../kernel/profile.ts';
import { loadObject } from '../../loader/object.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { releaseOfKernel, userKernels } from '../../platform/node/user_profiles.ts';
import {
  type Cell,
  type Column,
  cellToJson,
  matrixGithub,
  matrixJunit,
  matrixMarkdown,
  matrixText,
  reasonsOf,
  reasonToJson,
} from '../../report/matrix.ts';
import { remediesOf, type Task } from '../matrix/cells.ts';
import { judgeAll } from '../matrix/pool.ts';
import { choice, collect, count, MAX_CPUS, valueLists } from '../options.ts';
import { paintFor, print, printJson, type Style } from '../terminal.ts';

interface Flags {
  readonly prog?: readonly string[];
  readonly kernels?: string;
  readonly require?: string;
  readonly cpus?: string;
  readonly nrCpus?: string;
  readonly set?: readonly string[];
  readonly caps: 'all' | 'bpf';
  readonly json?: boolean;
  readonly format?: 'junit' | 'github' | 'markdown';
}

/** The first release that sched_ext schedulers meet, and all after it. */
const DEFAULT_KERNELS = '6.12-7.3';
const MAX_COLUMNS = 256;

const STYLES: Readonly<Record<'good' | 'bad' | 'title' | 'label', Style>> = {
  good: 'green',
  bad: 'red',
  title: 'bold',
  label: 'dim',
};

export function define(command: Command, done: (status: number) => void): void {
  command
    .argument('<object...>', 'compiled BPF objects (*.bpf.o)')
    .option('--prog <name>', 'only this program; may be repeated', collect)
    .option('--kernels <list>', 'releases and ranges: 6.12,6.18-7.1; all', DEFAULT_KERNELS)
    .option('--cpus <list>', 'possible CPUs, a column each: 2,64')
    .option('--nr-cpus <list>', 'NR_CPUS, a column each: 256,8192')
    .option('--set <var=a,b>', 'a global variable before load, a column a value; may be repeated', collect)
    .option('--require <list>', 'kernels that have to accept every program: else the exit status is 1')
    .addOption(
      new Option('--caps <caps>', 'capabilities of the loading process')
        .argParser(choice('--caps', ['all', 'bpf'] as const))
        .default('all'),
    )
    .option('--json', 'one JSON object a cell, then one a reason, on one line each')
    .addOption(
      new Option('--format <name>', 'junit, github (annotations) or markdown').argParser(
        choice('--format', ['junit', 'github', 'markdown'] as const),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  bpf-cpumask matrix scheduler.bpf.o
  bpf-cpumask matrix scheduler.bpf.o --kernels 6.12,6.18,7.2 --require 6.12,6.18
  bpf-cpumask matrix scheduler.bpf.o --set smt_enabled=0,1 --format markdown`,
    )
    .action(async (paths: readonly string[], flags: Flags) => {
      done(await run(paths, flags));
    });
}

async function run(paths: readonly string[], flags: Flags): Promise<number> {
  const required = new Set(flags.require === undefined ? [] : kernelsOf('--require', flags.require));
  const columns = columnsOf(flags, required);
  checkPrograms(paths, flags.prog ?? []);
  const { caps } = flags;
  const tasks = paths.flatMap((path) =>
    columns.map((column): Task => ({ path, programs: flags.prog ?? null, column, caps })),
  );
  const cells = await judgeAll(tasks, progress(tasks.length));
  const files = new Map(paths.map((path) => [loadObject(readUserFile(path), path).name, path]));
  const reasons = reasonsOf(cells, (cell) => remediesOf(cell, files.get(cell.object) ?? cell.object, caps));
  const isRequired = ({ kernel }: Column): boolean => required.has(kernel);
  if (flags.json) {
    for (const cell of cells) printJson(cellToJson(cell));
    for (const reason of reasons) printJson(reasonToJson(reason, columns));
  } else {
    const paint = paintFor(process.stdout);
    const lines = {
      text: () => matrixText(cells, columns, reasons, (part, text) => paint(STYLES[part], text)),
      junit: () => matrixJunit(cells, columns, reasons, isRequired),
      github: () => matrixGithub(columns, reasons, isRequired),
      markdown: () => matrixMarkdown(cells, columns, reasons),
    }[flags.format ?? 'text']();
    for (const line of lines) print(line);
  }
  return statusOf(cells, isRequired);
}

function statusOf(cells: readonly Cell[], isRequired: (column: Column) => boolean): number {
  const refused = cells.filter(({ column, verdict }) => isRequired(column) && verdict !== 'accept');
  if (refused.some(({ verdict }) => verdict === 'reject')) return EXIT.failed;
  return refused.length ? EXIT.notSupported : EXIT.ok;
}

function checkPrograms(paths: readonly string[], wanted: readonly string[]): void {
  if (wanted.length === 0) return;
  const names = paths.flatMap((path) => loadObject(readUserFile(path), path).programs.map(({ name }) => name));
  for (const name of wanted) {
    if (!names.includes(name))
      throw new InputError('--prog', '', `no object has a program ${name}; there are ${names.join(', ')}`);
  }
}

/** Every combination of kernel, topology and values. */
function columnsOf(flags: Flags, required: ReadonlySet<string>): Column[] {
  const kernels = kernelsOf('--kernels', [flags.kernels ?? DEFAULT_KERNELS, ...required].join(','));
  const cpus = numbers('--cpus', flags.cpus);
  const nrCpus = numbers('--nr-cpus', flags.nrCpus);
  const sets = settings(flags.set ?? []);
  if (kernels.length * cpus.length * nrCpus.length * sets.length > MAX_COLUMNS) {
    throw new InputError('--kernels', '', `with --cpus, --nr-cpus and --set more than ${MAX_COLUMNS} columns`);
  }
  return kernels.flatMap((kernel) =>
    cpus.flatMap((c) =>
      nrCpus.flatMap((n) =>
        sets.map((set): Column => {
          const more = [
            ...(c === null ? [] : [`cpus=${c}`]),
            ...(n === null ? [] : [`NR_CPUS=${n}`]),
            ...Object.entries(set).map(([name, value]) => `${name}=${value}`),
          ];
          return {
            label: [kernel, ...more].join(' '),
            kernel,
            release: releaseOfKernel(kernel),
            ...knownOf(kernel),
            cpus: c,
            nrCpus: n,
            set,
          };
        }),
      ),
    ),
  );
}

/** Whose BTF a kernel uses, and how its rules are known. */
function knownOf(kernel: string): Pick<Column, 'nearest' | 'documented'> {
  const release = releaseOfKernel(kernel);
  const { btf, asked } = checkRelease(release);
  return { nearest: kernel !== release || btf === release ? null : btf, documented: asked === undefined };
}

/** `6.12,6.18-7.1`, `all`, names of the project's kernels: releases oldest first, then the others as named. */
function kernelsOf(option: string, text: string): string[] {
  const known = profileReleases();
  const own = userKernels();
  const one = (name: string): Release => {
    const found = known.find((release) => release === name);
    const all = [...known, ...own].join(', ');
    if (!found) throw new InputError(option, '', `"${name}" is no kernel that there is a profile of; there are ${all}`);
    return found;
  };
  const wanted = new Set<string>();
  for (const part of text.split(',').map((word) => word.trim())) {
    if (own.includes(part)) {
      wanted.add(part);
      continue;
    }
    const [from = '', to] = part.split('-');
    const first = part === 'all' ? (known[0] as Release) : one(from);
    const last = part === 'all' ? (known.at(-1) as Release) : to === undefined ? first : one(to);
    for (const release of known) {
      if (compareReleases(release, first) >= 0 && compareReleases(release, last) <= 0) wanted.add(release);
    }
  }
  return [...known.filter((release) => wanted.has(release)), ...[...wanted].filter((name) => own.includes(name))];
}

function numbers(option: string, text: string | undefined): (number | null)[] {
  return text === undefined ? [null] : text.split(',').map((word) => count(option, 1, MAX_CPUS)(word.trim()));
}

/** `a=1,2` and `b=3` give {a: 1, b: 3} and {a: 2, b: 3}. */
function settings(words: readonly string[]): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const [name, values] of Object.entries(valueLists(words))) {
    all = values.flatMap((value) => all.map((set) => ({ ...set, [name]: value })));
  }
  return all;
}

/** How far it is, on a terminal, where it takes long. */
function progress(total: number): (count: number) => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => undefined;
  let shown = performance.now();
  let isShown = false;
  return (done) => {
    if (done === total) {
      if (isShown) stderr.write('\r\x1b[K');
    } else if (performance.now() - shown > 200) {
      shown = performance.now();
      isShown = true;
      stderr.write(`\r${done} of ${total}`);
    }
  };
}
