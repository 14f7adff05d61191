/** Runs the built command line, as a user would. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function cli(...args: readonly string[]): CliResult {
  return cliWith({}, ...args);
}

/** The same with more in its environment. */
export function cliWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.cjs', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, BPF_CPUMASK_DEBUG: '', ...env },
  });
  return { status, stdout, stderr };
}

/** The JSON objects of a `--json` run, one a line. */
export function json(result: CliResult): Record<string, unknown>[] {
  return result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
