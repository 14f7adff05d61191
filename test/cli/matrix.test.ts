import { describe, expect, it } from 'vitest';
import { cli } from './run_cli.ts';

const NESTED = 'test/data/verdicts/obj/rcu_nested.bpf.o';
const GLOBALS = 'test/objects/globals.bpf.o';

describe('matrix', () => {
  it('says which kernels accept, and each reason once', () => {
    const { stdout, status } = cli(
      'matrix',
      NESTED,
      '--kernels',
      '6.12-7.0',
      '--prog',
      'nested_twice',
      '--prog',
      'lock_in_tp',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^program +6\.12 +6\.13~ .* 7\.0~$/m);
    expect(stdout).toMatch(/^nested_twice +no 1 .* ok +ok *$/m);
    expect(stdout).toMatch(/^lock_in_tp( +ok)+ *$/m);
    expect(stdout.match(/nested rcu read lock/g)).toHaveLength(1);
    expect(stdout).toMatch(/on +6\.12 to 6\.18$/m);
    expect(stdout).toMatch(/at +rcu_nested\.bpf\.c:13 +bpf_rcu_read_lock\(\);/);
    expect(stdout).toMatch(/try +from 6\.19 this passes: RCU read locks nest\./);
  });

  it('fails where a required kernel refuses', { timeout: 240_000 }, () => {
    const args = ['matrix', NESTED, '--prog', 'nested_twice', '--kernels', '6.12,7.2'];
    expect(cli(...args, '--require', '7.2').status).toBe(0);
    expect(cli(...args, '--require', '6.12').status).toBe(1);
    // One that --kernels does not name gets a column.
    const added = cli(...args, '--require', '6.18');
    expect([added.status, added.stdout.split('\n')[0]]).toEqual([1, 'program       6.12  6.18  7.2']);
    expect(cli('matrix', NESTED, '--kernels', '5.4').stderr).toMatch(/"5\.4" is no kernel that there is a profile of/);
    expect(cli('matrix', NESTED, '--prog', 'nothing').stderr).toMatch(/no object has a program nothing/);
  });

  it('marks kernels that borrow their BTF, and says of whose rules only history tells', () => {
    const { stdout } = cli('matrix', NESTED, '--kernels', '6.12-6.14,6.16,7.2', '--prog', 'lock_in_tp');
    expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
      'program     6.12  6.13~  6.14~  6.16~  7.2',
      'lock_in_tp  ok    ok     ok     ok     ok',
      '',
      '~ by the rules of the release on the nearest BTF, that of 6.12: 6.13, 6.14',
      '~ by the rules of the release on the nearest BTF, that of 6.18: 6.16',
      'rules documented only, no kernel was asked: 6.13, 6.14',
      '',
    ]);
  });

  it('has a column for every topology and value', () => {
    const lines = cli('matrix', GLOBALS, '--kernels', '6.18', '--cpus', '2,64', '--json').stdout.trim().split('\n');
    const cells = lines.map((line) => JSON.parse(line) as { kernel: string; cpus: number; verdict: string });
    expect(new Set(cells.map(({ cpus }) => cpus))).toEqual(new Set([2, 64]));
    expect(cells.every(({ kernel, verdict }) => kernel === '6.18' && verdict === 'accept')).toBe(true);
    expect(cli('matrix', GLOBALS, '--set', 'nothing=1,2').stderr).toMatch(/no global variable "nothing"/);
  });

  it('writes what CI reads', () => {
    const args = ['matrix', NESTED, '--kernels', '6.18,7.2', '--require', '6.18', '--format'];
    const junit = cli(...args, 'junit').stdout;
    expect(junit).toMatch(/<testsuite name="6\.18" tests="4" failures="3" skipped="0">/);
    expect(junit).toMatch(/<testsuite name="7\.2" tests="4" failures="0" skipped="2">/);
    expect(junit).toMatch(/<failure message="EINVAL nested rcu read lock \(kernel function bpf_rcu_read_lock\)">/);
    const github = cli(...args, 'github').stdout;
    expect(github).toMatch(
      /^::error file=\.\/src\/rcu_nested\.bpf\.c,line=13,title=nested_twice%3A refused on 6\.18::EINVAL /m,
    );
    expect(github).toMatch(/^::warning .*nested_inner_left%3A refused on 7\.2::/m);
    const markdown = cli(...args, 'markdown').stdout;
    expect(markdown).toMatch(/^\| nested\\_twice \| no \d \| ok \|$/m);
  });

  it('judges many objects on all cores as on one', { timeout: 240_000 }, () => {
    const objects = ['life_leak', 'bits_index', 'kptr_hash', 'rcu_nested'].map(
      (name) => `test/data/verdicts/obj/${name}.bpf.o`,
    );
    const all = cli('matrix', ...objects, '--kernels', 'all', '--json')
      .stdout.trim()
      .split('\n');
    const alone = objects.flatMap((object) =>
      cli('matrix', object, '--kernels', 'all', '--json').stdout.trim().split('\n'),
    );
    const cells = (lines: readonly string[]) => lines.filter((line) => line.startsWith('{"object"')).sort();
    expect(cells(all)).toEqual(cells(alone));
    expect(cells(all).length).toBeGreaterThan(200);
  });
});
