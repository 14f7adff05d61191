import { EXIT } from '../errors.ts';

/** Exit status by the name of what was thrown: bundles have classes of their own, so that instanceof would not do. */
const STATUS: Readonly<Record<string, number>> = { InputError: EXIT.usage, NotSupported: EXIT.notSupported };

/** Says in one line what went wrong, to a person, without a stack trace; returns the exit status that it means. */
export function explain(error: unknown, say: (line: string) => void): number {
  const status = error instanceof Error ? STATUS[error.name] : undefined;
  if (error instanceof Error && status !== undefined) {
    say(`bpf-cpumask: ${error.message}`);
    return status;
  }
  const what = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error && error.name !== 'InvariantError' ? `${error.name}: ` : '';
  say(`bpf-cpumask: this is a bug in bpf-cpumask, please report it: ${name}${what}`);
  if (process.env.BPF_CPUMASK_DEBUG && error instanceof Error && error.stack) say(error.stack);
  return EXIT.bug;
}
