import { Option } from 'commander';
import { EXIT, InputError, NotSupported } from '../../errors.ts';
import type { Machine } from '../../machine/machine.ts';
import type { BpfObject } from '../../machine/object.ts';
import type { Program, ProgramRun } from '../../machine/run.ts';
import { readUserFile } from '../../platform/node/files.ts';
import { collectParallelRun, collectRun, nextWarning, type RunTotals } from '../../report/collect.ts';
import { ledgerLines, ledgerReport } from '../../report/ledger.ts';
import { readerOf } from '../../report/maps.ts';
import { formatRun, runToJson } from '../../report/run.ts';
import { thousands } from '../../report/table.ts';
import { type AroundFlags, around, loadedNames, runCheck, runSetUps } from '../around.ts';
import type { CommandModule } from '../command.ts';
import { type FailureFlags, failPlan, failureLines, injectFaults, noteUnreached, share } from '../failures.ts';
import { type InputFlags, inputOf, inputOptions, setUpTask } from '../inputs.ts';
import { openMachine } from '../machine.ts';
import {
  choice,
  collect,
  count,
  type MachineFlags,
  machineOptions,
  noteIdle,
  refuse,
  seconds,
  settings,
} from '../options.ts';
import { isRejected } from '../rejected.ts';
import { note, paintFor, print, printJson } from '../terminal.ts';

interface RunFlags extends MachineFlags, AroundFlags, FailureFlags, InputFlags {
  readonly prog?: readonly string[];
  readonly engine: 'interp' | 'jit' | 'live';
  readonly cpu: number;
  readonly set?: readonly string[];
  readonly times: number;
  readonly parallel?: boolean;
  readonly ledger?: true | 'json';
  readonly memoryLimit?: number;
  readonly budget: number;
  readonly timeLimit?: number;
  readonly json?: boolean;
}

/** Instructions after which a run is taken to hang: some seconds compiled, half a minute interpreted. */
const BUDGET = 2 ** 32;
/** Instructions that are run once more to take a ledger: when something leaked, and when it was asked for. */
const LEDGER_INSNS = { leaked: 2 ** 22, asked: 2 ** 26 } as const;

/** Options that change what runs in ways that the running kernel knows nothing of. */
const SIMULATED_ONLY = [
  ...['--pid', '--affinity', '--topology', '--fire', '--parallel', '--setup', '--check'],
  ...['--ledger', '--fail', '--fail-rate', '--delay-refill', '--budget', '--time-limit'],
];

const MIB = 2 ** 20;

const ENGINES = ['interp', 'jit', 'live'] as const;

const module: CommandModule = {
  define(command, done) {
    inputOptions(
      command
        .description('Run the programs of a compiled BPF object on a simulated machine.')
        .argument('<object>', 'compiled BPF object (*.bpf.o)')
        .option('--prog <name>', 'only this program; may be repeated', collect)
        .option('--setup <prog>', 'run it first, alone and once; may be repeated', collect)
        .option('--check <prog>', 'run it at the end, alone and once; what it returns must be 0')
        .addOption(
          new Option('--engine <name>', 'jit: compiled, fast; interp: checks every access; live: the running kernel')
            .argParser(choice('--engine', ENGINES))
            .default('jit'),
        )
        .addOption(new Option('--cpu <i>', 'CPU to run on').argParser(count('--cpu', 0, 8191)).default(0)),
    );
    machineOptions(
      command
        .option('--set <var=value>', 'give a global variable its value before load; may be repeated', collect)
        .addOption(
          new Option('--times <n>', 'run it so often').argParser(count('--times', 1, 1_000_000_000)).default(1),
        )
        .option('--parallel', 'run the programs at the same time, each on a CPU of its own from --cpu on')
        .addOption(
          new Option(
            '--ledger [json]',
            'at the end, who made, took and gave back each object that is alive; shown by itself when one leaked',
          ).argParser(choice('--ledger', ['json'] as const)),
        )
        .addOption(
          new Option(
            '--fail <kind:n>',
            'the n-th request of a kind fails; any counts all kinds (listed below)',
          ).argParser(failPlan),
        )
        .addOption(
          new Option('--fail-rate <share>', 'this share of what can fail does, 0 to 1, drawn from --seed').argParser(
            share,
          ),
        )
        .option('--delay-refill', 'allocators are not refilled while a program runs')
        .addOption(
          new Option('--memory-limit <mib>', 'memory of the machine in MiB').argParser(
            count('--memory-limit', 4, 4095),
          ),
        )
        .addOption(
          new Option('--budget <n>', 'instructions after which a run is stopped')
            .argParser(count('--budget', 1, Number.MAX_SAFE_INTEGER))
            .default(BUDGET),
        )
        .addOption(
          new Option(
            '--time-limit <seconds>',
            'time after which a program is stopped, all its runs together',
          ).argParser(seconds('--time-limit')),
        )
        .option('--json', 'one JSON object a program, on one line'),
    )
      .addHelpText('after', () => `${EXAMPLES}\n\n${failureLines().join('\n')}`)
      .action(async (path: string, flags: RunFlags) => {
        if (flags.engine === 'live') {
          refuse(command, SIMULATED_ONLY, 'goes with the simulated kernel, not with --engine live');
          noteIdle(command);
        }
        if (flags.parallel) refuse(command, ['--ledger'], 'does not go with --parallel');
        done(await run(path, flags));
      });
  },
};

const EXAMPLES = `
Without --prog every program that can run by itself runs, in order, on one machine. Tracing programs are attached, and
their tracepoint is fired in the context of the current task. With --parallel each CPU has a task of its own, the first the
current one.

  bpf-cpumask run my.bpf.o --cpus 64 --prog pick --set nr_cpus=64
  bpf-cpumask run my.bpf.o --fire sched_switch --times 100 --json
  bpf-cpumask run my.bpf.o --setup init --prog claim --prog claim --parallel --times 100000 --check check`;

async function run(path: string, flags: RunFlags): Promise<number> {
  const bytes = readUserFile(path);
  if (flags.engine === 'live') {
    const { runLive } = await import('../live.ts');
    return runLive(bytes, path, { ...flags, set: settings(flags.set ?? []) });
  }
  const { machine, programs, check, ready } = load(
    bytes,
    path,
    openMachine(machineFlags(flags, false), flags.engine),
    flags,
  );
  if (!ready) return EXIT.failed;
  if (flags.parallel) return runAtOnce(machine, programs, check, flags);
  let status: number = EXIT.ok;
  const made: Made[] = [];
  programs.forEach((program, i) => {
    if (i > 0 && !flags.json) print('');
    try {
      const totals = runOne(machine, program, flags, !check && i === programs.length - 1);
      if (totals) made.push({ program: i, ...totals });
      if (!totals || totals.last.fault || totals.stopped) status = EXIT.failed;
    } catch (error) {
      // What one program cannot do is no reason not to run the others; alone, it is the answer.
      if (!(error instanceof NotSupported) || programs.length === 1) throw error;
      note(`${program.name}: ${error.message}`);
      if (status === EXIT.ok) status = EXIT.notSupported;
    }
  });
  noteUnreached(machine, flags);
  if (check && !runCheck(machine, check, flags)) status = EXIT.failed;
  const leaked = machine.leaks().length > 0;
  if (leaked) status = EXIT.failed;
  if (flags.ledger || (!flags.json && leaked)) showLedger(bytes, path, flags, made);
  return status;
}

/** The object in a machine, and what of it is to run. */
function load(bytes: Uint8Array, path: string, machine: Machine, flags: RunFlags) {
  if (flags.cpu >= machine.cpus) {
    throw new InputError('--cpu', '', `${flags.cpu} is not there: the machine has CPUs 0-${machine.cpus - 1}`);
  }
  setUpTask(machine, flags);
  const object = machine.load(bytes, { name: path, programs: loadedNames(flags), set: settings(flags.set ?? []) });
  const { setUps, check } = around(object, flags);
  const others = new Set([...setUps, check]);
  const programs = flags.prog
    ? flags.prog.map((name) => object.program(name))
    : runnable(object, flags).filter((program) => !others.has(program));
  if (programs.length === 0) throw nothingToRun(path, object);
  const ready = runSetUps(machine, setUps, flags);
  injectFaults(machine, flags);
  return { machine, programs, check, ready };
}

function machineFlags({ memoryLimit, ...flags }: RunFlags, ledger: boolean) {
  return { ...flags, ledger, memoryLimit: memoryLimit === undefined ? undefined : memoryLimit * MIB };
}

/** What was run of a program: its index, and how much. */
interface Made extends RunTotals {
  readonly program: number;
}

/**
 * Runs what was run once more, on a machine that keeps a ledger: the same seed gives the same run. That is slow, so that of long runs
 * there is none.
 */
function showLedger(bytes: Uint8Array, path: string, flags: RunFlags, made: readonly Made[]): void {
  const most = flags.ledger ? LEDGER_INSNS.asked : LEDGER_INSNS.leaked;
  const insns = made.reduce((sum, totals) => sum + totals.insns, 0);
  if (insns > most) {
    const how = insns > LEDGER_INSNS.asked ? 'give --budget or --times less' : 'ask for it with --ledger';
    note(
      `no ledger: it runs ${thousands(insns)} instructions again, one by one, and takes at most ${thousands(most)}; ${how}`,
    );
    return;
  }
  const { machine, programs, check } = load(bytes, path, openMachine(machineFlags(flags, true)), flags);
  for (const { program, times, insns } of made) {
    // No run may take more than all together took: where one was stopped, it stops again.
    let left = insns;
    for (let i = 0; i < times && left > 0; i++)
      left -= runOnce(programs[program] as Program, flags, { budget: left }).insns;
  }
  machine.faults.plan({});
  check?.run({ cpu: flags.cpu, budget: most });
  if (!machine.ledger) return;
  const objects = ledgerReport(machine, machine.ledger);
  if (flags.ledger === 'json') printJson({ ledger: objects });
  else print(['ledger', ...ledgerLines(objects).map((line) => `  ${line}`)].join('\n'));
}

/** The programs that run when none is named. */
function runnable(object: BpfObject, { ctx, fire }: RunFlags): Program[] {
  return object.programs.filter((program) => {
    if (!program.runsByItself && !(fire && program.isTraced)) return false;
    if (program.type !== 'syscall' || ctx || program.ctxSize === 0) return true;
    note(`${program.name} does not run: it needs a context of ${program.ctxSize} bytes; give it with --ctx`);
    return false;
  });
}

/** Runs programs on CPUs of their own at the same time; then each has its report, of the machine as all have left it. */
async function runAtOnce(
  machine: Machine,
  programs: readonly Program[],
  check: Program | null,
  flags: RunFlags,
): Promise<number> {
  if (programs.some((program) => isRejected(program, flags))) return EXIT.failed;
  const last = flags.cpu + programs.length - 1;
  if (last >= machine.cpus) {
    throw new InputError('--parallel', '', `${programs.length} programs need CPU ${last}; give --cpus ${last + 1}`);
  }
  const { times } = flags;
  const jobs = programs.map((program, i) => {
    return { cpu: flags.cpu + i, program, times, budget: flags.budget, ...inputOf(program, flags) };
  });
  let status: number = EXIT.ok;
  const firstWarning = nextWarning(machine);
  const runs = await machine.runParallel(jobs, { timeLimitMs: flags.timeLimit });
  machine.dispose();
  runs.forEach((run, i) => {
    const report = collectParallelRun(machine, run, { firstWarning, reader: readerOf(flags.json) });
    if (run.died !== null || run.fault || run.stopped) status = EXIT.failed;
    if (flags.json) printJson(runToJson(report));
    else {
      if (i > 0) print('');
      const withState = (!check && i === runs.length - 1) || run.fault !== null;
      print(formatRun(report, paintFor(process.stdout), withState));
    }
  });
  if (check && !runCheck(machine, check, flags)) status = EXIT.failed;
  if (machine.leaks().length > 0) status = EXIT.failed;
  return status;
}

/** Runs a program as often as asked, and prints its report; null when it was refused. */
function runOne(machine: Machine, program: Program, flags: RunFlags, isLast: boolean): RunTotals | null {
  if (isRejected(program, flags)) return null;
  const firstWarning = nextWarning(machine);
  const { timeLimit = Number.POSITIVE_INFINITY } = flags;
  const end = performance.now() + timeLimit;
  let last = runOnce(program, flags, { timeLimitMs: flags.timeLimit });
  const sums = { times: 1, insns: last.insns, durationNs: last.durationNs };
  let stopped: RunTotals['stopped'] = null;
  while (sums.times < flags.times && !last.fault && !stopped) {
    const left = end - performance.now();
    if (left < 1) stopped = 'time-limit';
    else {
      last = runOnce(program, flags, { timeLimitMs: flags.timeLimit && left });
      sums.times++;
      sums.insns += last.insns;
      sums.durationNs += last.durationNs;
    }
  }
  const totals = { last, stopped, ...sums };
  const report = collectRun(machine, program, totals, { cpu: flags.cpu, firstWarning, reader: readerOf(flags.json) });
  if (flags.json) printJson(runToJson(report));
  else print(formatRun(report, paintFor(process.stdout), isLast || report.fault !== null));
  return totals;
}

function runOnce(
  program: Program,
  flags: RunFlags,
  limits: { readonly budget?: number; readonly timeLimitMs?: number | undefined },
): ProgramRun {
  const { cpu, budget } = flags;
  return program.run({ cpu, budget, ...limits, ...inputOf(program, flags) });
}

function nothingToRun(path: string, object: BpfObject): InputError {
  const list = object.programs.map(({ name, section }) => `${name} (${section})`).join(', ');
  return new InputError(
    path,
    '',
    list ? `no program can run by itself; name one with --prog: ${list}` : 'has no programs',
  );
}

export const { define } = module;
