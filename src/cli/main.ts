import { Command, CommanderError } from 'commander';
import { EXIT, InputError } from '../errors.ts';
import type { CommandModule } from './command.ts';
import { explain } from './explain.ts';
import { ignoreClosedPipes, note } from './terminal.ts';

/** One row a command. Modules load when their command is used, so that small commands start fast. */
const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<CommandModule> }>> = {
  run: { summary: 'run the programs of an object on a simulated machine', load: () => import('./commands/run.ts') },
  verify: {
    summary: "the kernel's verdict on the programs of an object, with the reason",
    load: () => import('./commands/verify.ts'),
  },
  matrix: {
    summary: 'which kernel releases accept the programs of an object, and why not',
    load: () => import('./commands/matrix.ts'),
  },
  disasm: { summary: 'instructions with source lines and names', load: () => import('./commands/disasm.ts') },
  profile: {
    summary: "a project's own kernel, for --kernel",
    load: () => import('./commands/profile.ts'),
  },
  mask: { summary: 'a CPU mask in every form, and set operations', load: () => import('./commands/mask.ts') },
  kfuncs: { summary: 'the kfuncs of a kernel release', load: () => import('./commands/kfuncs.ts') },
  replay: {
    summary: 'golden vectors of real kernels, executed and compared',
    load: () => import('./commands/replay.ts'),
  },
  conform: {
    summary: 'run one plain program from stdin, as a bpf_conformance plugin',
    load: () => import('./commands/conform.ts'),
  },
  explore: {
    summary: 'every interleaving of programs that share masks, and what goes wrong in one',
    load: () => import('./commands/explore.ts'),
  },
  doctor: { summary: 'what this machine can do with the live kernel', load: () => import('./commands/doctor.ts') },
  diff: { summary: 'simulated beside live kernel, differences first', load: () => import('./commands/diff.ts') },
  capture: { summary: 'golden vectors of the running kernel', load: () => import('./commands/capture.ts') },
  pin: { summary: 'run a command bound to CPUs', load: () => import('./commands/pin.ts') },
};

function newCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError(false);
}

/** Runs the command that `argv` names; returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  ignoreClosedPipes();
  /** An action that forgot to say how it ended is our bug. */
  let status: number = EXIT.bug;
  const program = newCommand('bpf-cpumask')
    .description('Load, verify and run compiled BPF objects that use the cpumask kfuncs, with no kernel.')
    .usage('COMMAND [ARGUMENT...]')
    .version(VERSION, '-V, --version', 'show the version')
    .helpCommand(false)
    .addHelpText('after', '\nbpf-cpumask COMMAND --help tells more.');
  const wanted = argv[0];
  const known = wanted !== undefined && Object.hasOwn(COMMANDS, wanted) ? wanted : null;
  try {
    for (const [name, row] of Object.entries(COMMANDS)) {
      const command = newCommand(name).description(row.summary).helpCommand(false);
      program.addCommand(command);
      if (name !== known) continue;
      const module = await row.load();
      module.define(command, (value) => {
        status = value;
      });
    }
    if (wanted !== undefined && !wanted.startsWith('-') && known === null) {
      throw new InputError(wanted, '', `no such command; there are ${Object.keys(COMMANDS).join(', ')}`);
    }
    if (argv.length === 0) program.outputHelp({ error: true });
    await program.parseAsync(argv, { from: 'user' });
    if (argv.length === 0) status = EXIT.usage;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) status = EXIT.ok;
    else status = error instanceof CommanderError ? misused(error, known) : explain(error, note);
  }
  return status;
}

/** A mistake that the argument parser found. */
function misused({ message }: CommanderError, command: string | null): number {
  const help = command === null ? 'bpf-cpumask --help' : `bpf-cpumask ${command} --help`;
  const text = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  note(`bpf-cpumask: ${text}; ${help} lists what there is`);
  return EXIT.usage;
}
