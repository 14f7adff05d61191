import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { InputError } from '../../errors.ts';
import { CpuMask } from '../../kernel/cpu_mask.ts';
import { evaluateMask } from '../../kernel/mask_expr.ts';
import { hostCpus, setAffinity } from '../../platform/node/sched_affinity.ts';
import type { CommandModule } from '../command.ts';

/** Signals that people and job runners send us; the command gets them instead. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a command on the current affinity, which it inherits; gives its exit status as a shell would. */
function runInherited(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        new InputError(command, '', error.code === 'ENOENT' ? 'no such command' : `cannot be run (${error.code})`),
      );
    });
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

const module: CommandModule = {
  define(command, done) {
    command
      .description('Run a command bound to CPUs of this machine (Linux).')
      .usage('--cpus MASK -- COMMAND [ARGUMENT...]')
      .requiredOption('--cpus <mask>', 'CPUs: 0-3,8, or an expression as `mask` takes')
      .argument('<command...>', 'what to run, with its arguments')
      .addHelpText('after', "\nThe exit status is the command's own.\n\n  bpf-cpumask pin --cpus 0 -- make test")
      .action(async ([name = '', ...args]: string[], { cpus }: { cpus: string }) => {
        const online = CpuMask.fromList(hostCpus().online);
        const mask = evaluateMask(cpus, (online.last ?? 0) + 1);
        if (!mask.intersects(online)) {
          throw new InputError('--cpus', '', `"${cpus}" has no CPU that is online here: ${online}`);
        }
        setAffinity(mask);
        done(await runInherited(name, args));
      });
  },
};

export const { define } = module;
