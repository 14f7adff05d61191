/** What the scripts of package.json share: options, --help, and one line for what is wrong with what they were given. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { EXIT, InputError, NotSupported } from '../src/errors.ts';

/** parseArgs, which throws an InputError. */
export function parseOptions<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS_')) throw error;
    const names = Object.keys(config.options ?? {}).map((name) => `--${name}`);
    throw new InputError('arguments', '', `${message.split(/[.\n]/)[0]}; there are ${[...names, '--help'].join(', ')}`);
  }
}

/** The whole number that an option gives, from `least` on. */
export function wholeNumber(option: string, text: string, least = 0): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
  throw new InputError(`--${option}`, '', `"${text}" is not a whole number${least > 0 ? ` from ${least} on` : ''}`);
}

/** The one of `names` that an option, or argument, gives. */
export function oneOf<T extends string>(what: string, text: string, names: readonly T[]): T {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new InputError(what, '', `"${text}" is none of ${names.join(', ')}`);
  return found;
}

/** Runs a script, whose result is the exit status. */
export async function runScript(usage: string, main: () => number | Promise<number>): Promise<void> {
  if (process.argv.slice(2).some((arg) => arg === '--help' || arg === '-h')) {
    console.log(usage);
    return;
  }
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof InputError) process.exitCode = EXIT.usage;
    else if (error instanceof NotSupported) process.exitCode = EXIT.notSupported;
    else throw error;
    console.error(error.message);
  }
}
