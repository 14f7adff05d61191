/** Options of the scripts of package.json that are wrong: one line that says so, and exit status 2. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

function run(script: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/run.mjs', script, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

it.each<[string, readonly string[], string]>([
  ['test/fuzz/main.ts', ['--count', 'x'], '--count: "x" is not a whole number'],
  ['test/fuzz/sound/main.ts', ['--shard', '3/2'], '--shard: "3/2" is no part'],
  ['test/fuzz/sound/main.ts', ['--seed', '-1x'], 'arguments: '],
  ['test/fuzz/live/verdicts.ts', ['--shard', '3/2'], '--shard: "3/2" is no part'],
  ['test/fuzz/live/verdicts.ts', ['--family', 'none'], '--family: "none" is none of '],
  ['test/fuzz/live/main.ts', ['--only-simulated', '--programs', '1e3'], '--programs: "1e3" is not a whole number'],
  ['test/stress/main.ts', ['--engine', 'foo'], '--engine: "foo" is none of interp, jit'],
  ['test/stress/main.ts', ['--minutes', '1', '--operations', '5'], '--minutes: cannot be had together'],
  ['bench/index.ts', ['--bogus'], "arguments: Unknown option '--bogus'; there are --json, --ubpf, --rbpf, --help"],
  ['bench/index.ts', ['nothing'], 'group: "nothing" is none of compute, '],
  ['bench/index.ts', ['--ubpf', '/nope --jit'], '--ubpf: /nope: cannot be started: ENOENT'],
])('%s %j', (script, args, wanted) => {
  const { status, stdout, stderr } = run(script, ...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^[^\n]+\n$/);
  expect(stderr.slice(0, wanted.length)).toBe(wanted);
});

it('--help prints how a script is called', () => {
  expect(run('test/fuzz/live/main.ts', '--only-simulated', '--help')).toMatchObject({ status: 0, stderr: '' });
});
