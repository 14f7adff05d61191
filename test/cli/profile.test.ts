import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const project = mkdtempSync(join(tmpdir(), 'project-'));
mkdirSync(join(project, 'below'));
afterAll(() => rmSync(project, { recursive: true }));

/** Runs a command in a folder of the project. */
function cli(folder: string, ...args: readonly string[]) {
  return spawnSync(process.execPath, [resolve('dist/cli.cjs'), ...args], {
    cwd: join(project, folder),
    encoding: 'utf8',
  });
}

const BTF = resolve('test/data/btf/6.18.44.btf.br');
const OBJECT = resolve('test/data/verdicts/obj/type_stack_mask_more.bpf.o');

describe("a project's own kernel", () => {
  it('is built once and taken by name, below its folder too', { timeout: 240_000 }, () => {
    const built = cli('.', 'profile', 'build', '--btf', BTF, '--kernel', '6.18', '--name', 'fleet');
    expect([built.status, built.stdout]).toEqual([
      0,
      expect.stringMatching(/^fleet: rules of 6\.18, \d+ types, NR_CPUS 256\n/),
    ]);
    expect(cli('below', 'profile', 'list').stdout).toMatch(/^7\.3\nfleet {2}\(rules of 6\.18\)$/m);
    // 32 bytes of stack are a mask of 256 CPUs, and none of 8192.
    const columns = cli('below', 'matrix', OBJECT, '--prog', 'stack_uninitialised', '--kernels', '6.18,fleet').stdout;
    expect(columns).toMatch(/^program +6\.18 +fleet *$/m);
    expect(columns).toMatch(/^stack_uninitialised +no 1 +ok *$/m);
    expect(cli('.', 'verify', OBJECT, '--prog', 'stack_uninitialised', '--kernel', 'fleet').status).toBe(0);
    expect(cli('.', 'verify', OBJECT, '--prog', 'stack_uninitialised').status).toBe(1);
    expect(cli('.', 'kfuncs', 'bpf_cpumask_populate', '--kernel', 'fleet').stdout).toMatch(/1 kfuncs of Linux 6\.18/);
  });

  it('says what is wrong', { timeout: 240_000 }, () => {
    const fails = (...args: readonly string[]): string => {
      const { status, stderr } = cli('.', ...args);
      expect(status).toBe(2);
      return stderr;
    };
    expect(fails('verify', OBJECT, '--kernel', 'other')).toMatch(/"other" is no release and no kernel of this project/);
    expect(fails('verify', OBJECT, '--kernel', '../fleet')).toMatch(/is no release and no kernel/);
    expect(fails('profile', 'build', '--kernel', '6.18')).toMatch(/--btf: names the file with the BTF; it is missing/);
    expect(fails('profile', 'build', '--btf', BTF, '--kernel', '5.4')).toMatch(/no rules are known for 5\.4/);
    expect(fails('profile', 'build', '--btf', BTF, '--kernel', '6.18', '--name', '6.19')).toMatch(
      /is no name for a kernel/,
    );
    expect(fails('profile', 'mend')).toMatch(/no such action; there are build, list/);
    const file = join(project, '.bpf-cpumask/profiles/fleet.json');
    const said = readFileSync(file, 'utf8');
    writeFileSync(file, said.replace('fleet.btf.gz', '../../secret'));
    expect(fails('verify', OBJECT, '--kernel', 'fleet')).toMatch(
      /needs "kernel", a release, and "btf", a file beside it/,
    );
    writeFileSync(file, '{');
    expect(fails('verify', OBJECT, '--kernel', 'fleet')).toMatch(/is no JSON/);
  });
});
