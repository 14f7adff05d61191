import { CommanderError } from 'commander';
import { EXIT, InputError, InvariantError, NotSupported } from '../errors.ts';

/** Says in one line what went wrong, to a person, without a stack trace; returns the exit status that it means. */
export function explain(error: unknown, command: string | null, say: (line: string) => void): number {
  if (error instanceof CommanderError) {
    const help = command === null ? 'bpf-cpumask --help' : `bpf-cpumask ${command} --help`;
    const text = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
    say(`bpf-cpumask: ${text}; ${help} lists what there is`);
    return EXIT.usage;
  }
  if (error instanceof InputError) {
    say(`bpf-cpumask: ${error.message}`);
    return EXIT.usage;
  }
  if (error instanceof NotSupported) {
    say(`bpf-cpumask: ${error.message}`);
    return EXIT.notSupported;
  }
  const what = error instanceof Error ? error.message : String(error);
  const name = error instanceof InvariantError || !(error instanceof Error) ? '' : `${error.name}: `;
  say(`bpf-cpumask: this is a bug in bpf-cpumask, please report it: ${name}${what}`);
  if (process.env.BPF_CPUMASK_DEBUG && error instanceof Error && error.stack) say(error.stack);
  return EXIT.bug;
}
