import { describe, expect, it } from 'vitest';
import { cli, json } from './run_cli.ts';

const RACES = 'test/explore/races';

describe('explore', () => {
  const claim = ['explore', `${RACES}/double_claim.bpf.o`, '--setup', 'set_up', '--check', 'check'];

  it('shows the schedule of a race, a column each CPU, and how to see it again', () => {
    const found = cli(...claim, '--cpu', '0=claim_wrong', '--cpu', '1=claim_wrong');
    expect(found.status).toBe(1);
    expect(found.stdout).toContain('check failed: check returned 1');
    expect(found.stdout).toMatch(/^ {2}CPU 0 {2}claim_wrong +CPU 1 {2}claim_wrong$/m);
    const [, schedule = ''] = /--replay (\S+)/.exec(found.stdout) ?? [];
    const again = cli(...claim, '--cpu', '0=claim_wrong', '--cpu', '1=claim_wrong', '--replay', schedule);
    expect(again.status).toBe(1);
    expect(again.stdout).toContain('check failed: check returned 1');
  });

  it('says that it tried everything, and exits 0', () => {
    const result = cli(...claim, '--cpu', '0=claim_right', '--cpu', '1=claim_right', '--json');
    expect(result.status).toBe(0);
    expect(json(result)[0]).toMatchObject({
      object: 'double_claim',
      threads: [
        { cpu: 0, program: 'claim_right', irq: false },
        { cpu: 1, program: 'claim_right', irq: false },
      ],
      exhausted: true,
      shard: null,
      findings: [],
    });
  });

  it('splits over shards', () => {
    const part = (shard: string) =>
      json(cli(...claim, '--cpu', '0=claim_right', '--cpu', '1=claim_right', '--shard', shard, '--json'))[0];
    expect([part('0/2'), part('1/2')]).toMatchObject([
      { shard: '0/2', exhausted: true },
      { shard: '1/2', exhausted: true },
    ]);
  });

  it('lists what becomes of each allocation that fails', () => {
    const object = ['explore', `${RACES}/null_path.bpf.o`, '--setup', 'set_up', '--check', 'check', '--faults'];
    const wrong = cli(...object, '--cpu', '0=claim_wrong');
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toMatch(/null_path\.bpf\.c:\d+ +-12 +check failed/);
    expect(cli(...object, '--cpu', '0=claim_right').status).toBe(0);
  });

  it.each([
    [[], /say what runs where/],
    [['--cpu', 'claim_wrong'], /"claim_wrong" is not CPU=PROGRAM/],
    [['--cpu', '99=claim_wrong'], /CPUs 0-7/],
    [['--cpu', '0=nobody'], /none of that name/],
    [['--cpu', '0=claim_wrong', '--shard', '2/2'], /is no part/],
    [['--cpu', '0=claim_wrong', '--replay', 'what'], /"what" is no step/],
  ] as const)('says in one line what is wrong with %j', (args, message) => {
    const result = cli(...claim, ...args);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });
});
