import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FindingReport } from '../../src/report/explore.ts';
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

  it('names the operation that undid a change, in masks of one word and of several', () => {
    const find = (cpus: string) => {
      const programs = ['--setup', 'set_up', '--cpu', '0=add_wrong', '--cpu', '1=set_one'];
      const [report] = json(cli('explore', `${RACES}/lost_or.bpf.o`, ...programs, '--cpus', cpus, '--json'));
      const [finding] = (report?.findings ?? []) as FindingReport[];
      return { insn: finding?.insn, text: finding?.source?.text.trim(), note: finding?.rows.at(-1)?.note };
    };
    const one = find('64');
    expect(one).toMatchObject({ text: expect.stringMatching(/^bpf_cpumask_or\(mask/), note: 'writes' });
    expect(find('130')).toEqual({ ...one, note: 'writes CPUs 0-63' });
  });

  describe('callbacks', () => {
    const work = ['explore', `${RACES}/work_claim.bpf.o`, '--setup', 'set_up', '--check', 'check', '--cpu'];

    it('have a column of their own, and a name that schedules are replayed by', () => {
      const found = cli(...work, '0=claim_wrong');
      expect(found.status).toBe(1);
      expect(found.stdout).toMatch(/^ {2}CPU 0 {2}claim_wrong +CPU 7 {2}work work_wrong$/m);
      expect(found.stdout).toContain('the work begins');
      const [, schedule = ''] = /--replay (\S+)/.exec(found.stdout) ?? [];
      expect(schedule).toContain('jobs[0].wq:');
      expect(cli(...work, '0=claim_wrong', '--replay', schedule).stdout).toContain('check failed: check returned 1');
    });

    it('begin as often as --callbacks says; the report says when that was a bound', () => {
      const start = ['explore', 'test/objects/deferred.bpf.o', '--cpu', '0=start', '--callbacks'];
      expect(json(cli(...start, '3', '--json'))[0]).toMatchObject({ callbacks: 3, cut: false, exhausted: true });
      expect(json(cli(...start, '2', '--json'))[0]).toMatchObject({ callbacks: 2, cut: true, exhausted: true });
      expect(cli(...start, '2').stdout).toContain('of at most 2 callbacks of each timer and work item');
      expect(cli(...start, '3').stdout).not.toContain('at most');
    });
  });

  describe('shards', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bpf-cpumask-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const programs = (name: string) => [0, 1].flatMap((cpu) => ['--cpu', `${cpu}=claim_${name}`]);
    /** A file of what a shard printed. */
    const part = (name: string, index: number) => {
      const path = join(folder, `${name}-${index}`);
      writeFileSync(path, cli(...claim, ...programs(name), '--shard', `${index}/2`, '--json').stdout);
      return path;
    };
    const [wrong, right] = ['wrong', 'right'].map((name) => [part(name, 0), part(name, 1)]) as [string[], string[]];

    it('of callbacks merge to the report of the whole', () => {
      const timers = ['explore', `${RACES}/timer_order.bpf.o`, '--setup', 'set_up', '--cpu', '0=start_wrong'];
      const parts = ['0/2', '1/2'].map((shard, i) => {
        const path = join(folder, `timers-${i}`);
        writeFileSync(path, cli(...timers, '--shard', shard, '--json').stdout);
        return path;
      });
      const { schedules, findings, cut } = json(cli(...timers, '--json'))[0] ?? {};
      expect(json(cli('explore', '--merge', ...parts, '--json'))[0]).toMatchObject({
        shard: null,
        schedules,
        findings,
        cut,
      });
    });

    it.each([
      ['wrong', wrong],
      ['right', right],
    ])('merge to the report of the whole: %s', (name, parts) => {
      const whole = cli(...claim, ...programs(name), '--json');
      const merged = cli('explore', '--merge', ...parts, '--json');
      const { space, schedules, findings, exhausted } = json(whole)[0] ?? {};
      expect(json(merged)[0]).toMatchObject({ shard: null, space, schedules, findings, exhausted });
      expect(merged.status).toBe(whole.status);
    });

    it.each([
      ['missing: shard 0/2', [right[1]]],
      ['is of another run than', [right[0], wrong[1]]],
      ['shard 0/2 is also in', [right[0], right[0]]],
      ['is no line of JSON', ['README.md']],
      ['no such file', ['nothing.json']],
    ] as [string, string[]][])('that do not belong together are refused in one line: %s', (message, parts) => {
      const { status, stderr } = cli('explore', '--merge', ...parts);
      expect(stderr).toContain(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(status).toBe(2);
    });
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
