/** Options that mean the same in every command, and how their values are read. */
import { type Command, Option } from 'commander';
import { InputError } from '../errors.ts';
import { note } from './terminal.ts';

/** CPUs that a machine may have: NR_CPUS of distribution kernels. */
export const MAX_CPUS = 8192;
/** Twenty days: what timers take. */
const MAX_SECONDS = 1_728_000;

/** The options that set the machine. */
export interface MachineFlags {
  readonly cpus?: number;
  readonly nrCpus?: number;
  readonly kernel?: string;
  readonly btf?: string;
  readonly seed?: bigint;
}

/** Reads a whole number in [min, max], decimal or 0x hex. */
export function count(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InputError(option, '', `"${text}" is not a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** Reads seconds, with a fraction or without, as milliseconds. */
export function seconds(option: string): (text: string) => number {
  return (text) => {
    const value = /^(\d{1,7}(\.\d*)?|\.\d+)$/.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
    if (!(value >= 1 && value <= MAX_SECONDS * 1000)) {
      throw new InputError(option, '', `"${text}" is no time in seconds, from 0.001 to ${MAX_SECONDS}`);
    }
    return value;
  };
}

/** Reads an unsigned 64-bit number, decimal or 0x hex. */
export function u64(option: string): (text: string) => bigint {
  return (text) => {
    const value = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? BigInt(text) : -1n;
    if (value < 0n || value >= 1n << 64n) {
      throw new InputError(option, '', `"${text}" is not a whole number from 0 to 2^64-1`);
    }
    return value;
  };
}

/** Reads bytes as hex, in memory order; blanks between bytes are allowed. */
export function hexBytes(option: string): (text: string) => Uint8Array {
  return (text) => {
    const digits = text.replace(/\s+/g, '').replace(/^0x/i, '');
    if (!/^([0-9a-f]{2})*$/i.test(digits)) {
      throw new InputError(option, '', `"${shorten(text)}" is not hex: two digits a byte, in memory order`);
    }
    return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  };
}

/** Adds a value to those given before, for options that may be repeated. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** One of a few words. */
export function choice<T extends string>(option: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InputError(option, '', `"${text}" is none of ${words.join(', ')}`);
    return found;
  };
}

/** Adds the options that set the machine, with the same meaning everywhere. */
export function machineOptions(command: Command): Command {
  return command
    .addOption(new Option('--cpus <n>', 'possible CPUs, 1 to NR_CPUS').argParser(count('--cpus', 1, MAX_CPUS)))
    .addOption(
      new Option('--nr-cpus <n>', 'NR_CPUS: bits of cpumask_t; by default what the BTF says').argParser(
        count('--nr-cpus', 1, MAX_CPUS),
      ),
    )
    .option('--kernel <release>', 'kernel release whose rules hold, or a kernel of the project (profile build)', '6.18')
    .option('--btf <file>', 'BTF of another kernel: raw, or an ELF with .BTF, also as .br or .gz')
    .addOption(new Option('--seed <n>', 'seed of everything random').argParser(u64('--seed')));
}

/**
 * Refuses options that mean nothing beside what else was given.
 * @throws InputError naming the first that the user wrote
 */
export function refuse(command: Command, options: readonly string[], why: string): void {
  const [first] = written(command, options);
  if (first !== undefined) throw new InputError(first, '', why);
}

/** Says that the options that set the simulated machine do not set the running kernel. */
export function noteIdle(command: Command): void {
  const idle = written(command, ['--cpus', '--nr-cpus', '--kernel', '--btf', '--seed', '--memory-limit']);
  if (idle.length > 0) note(`note: the running kernel is as it is, whatever ${idle.join(', ')} may say`);
}

/** Those of the options, by their long names, that are on the command line. */
function written(command: Command, options: readonly string[]): readonly string[] {
  return command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map(({ long }) => long ?? '')
    .filter((long) => options.includes(long));
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/** `pid=77` -> { pid: '77' } */
export function settings(words: readonly string[], option = '--set'): Record<string, string> {
  const values: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new InputError(option, '', `"${word}" is not VAR=VALUE`);
    values[word.slice(0, at).trim()] = word.slice(at + 1).trim();
  }
  return values;
}

/** `VAR=A,B` words: variable -> values. Commas inside of brackets, braces and quotes are part of a value. */
export function valueLists(words: readonly string[], option = '--set'): Record<string, string[]> {
  const rows = Object.entries(settings(words, option));
  return Object.fromEntries(rows.map(([name, text]) => [name, splitValues(text)]));
}

function splitValues(text: string): string[] {
  const values = [''];
  let depth = 0;
  let quoted = false;
  for (const [i, char] of [...text].entries()) {
    if (char === '"' && text[i - 1] !== '\\') quoted = !quoted;
    else if (!quoted && (char === '[' || char === '{')) depth++;
    else if (!quoted && (char === ']' || char === '}')) depth--;
    if (char === ',' && depth === 0 && !quoted) values.push('');
    else values[values.length - 1] += char;
  }
  return [...new Set(values.map((value) => value.trim()))];
}
