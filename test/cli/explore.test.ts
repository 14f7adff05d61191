import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
      division: null,
      findings: [],
    });
  });

  it('does not call all what is not', () => {
    const bounded = [...claim, '--cpu', '0=claim_wrong', '--cpu', '1=claim_wrong', '--preemptions', '0'];
    const words = cli(...bounded, '--failures', '2').stdout;
    expect(words).toContain('2 schedules (every order with at most 0 preemptions and 2 failed allocations) in');
    const [report] = json(cli(...bounded, '--json'));
    const bounds = { preemptions: 0, failures: 1, callbacks: 2, limit: 10_000_000, reduce: false };
    expect(report).toMatchObject({ bounds, exhausted: true, stopped: null, tooLong: 0 });
    const limited = cli(...claim, '--cpu', '0=claim_right', '--cpu', '1=claim_right', '--limit', '1').stdout;
    expect(limited).toContain(
      '1 schedule (not every order that differs, with at most 1 failed allocation: the limit of',
    );
    expect(limited).toContain('1 schedule was reached)');
    expect(limited).toContain('nothing wrong so far');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('gives what there is so far when %s comes', async (signal) => {
    const programs = [0, 1, 2, 3, 4, 5, 6].flatMap((cpu) => ['--cpu', `${cpu}=claim_wrong`]);
    // A set-up that returns 1 is told of on stderr: from then on it explores.
    const object = ['explore', `${RACES}/double_claim.bpf.o`, '--setup', 'set_up', '--setup', 'check', ...programs];
    const child = spawn(process.execPath, ['dist/cli.cjs', ...object, '--json']);
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.once('data', () => setTimeout(() => child.kill(signal), 1500));
    const [status] = await once(child, 'close');
    expect(JSON.parse(stdout)).toMatchObject({ exhausted: false, stopped: 'interrupted' });
    expect(status).toBe(signal === 'SIGINT' ? 130 : 143);
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
      expect(json(cli(...start, '3', '--json'))[0]).toMatchObject({
        bounds: { callbacks: 3 },
        cut: false,
        exhausted: true,
      });
      expect(json(cli(...start, '2', '--json'))[0]).toMatchObject({
        bounds: { callbacks: 2 },
        cut: true,
        exhausted: true,
      });
      expect(cli(...start, '2').stdout).toContain('of at most 2 callbacks of each timer and work item');
      expect(cli(...start, '3').stdout).not.toContain('of at most');
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

    it('that were divided otherwise are not called exhausted', () => {
      const [first, second] = right as [string, string];
      const other = join(folder, 'divided');
      writeFileSync(other, readFileSync(second, 'utf8').replace(/"division":"/, '"division":"1'));
      const { stdout } = cli('explore', '--merge', first, other);
      expect(stdout).toContain('not every order');
      expect(stdout).toContain('its shards found other memory to be shared');
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

  const EXPLORED = 'test/explore/explored.bpf.o';

  it('gives programs their input', () => {
    const from = ['explore', EXPLORED, '--cpu', '0=set_from', '--assert', 'flag=0x10'];
    expect(cli(...from).stderr).toContain('looks at 8 bytes of its context');
    expect(cli(...from, '--ctx', '1000000000000000').status).toBe(0);
    const traced = ['explore', 'test/objects/globals.bpf.o', '--cpu', '0=on_switch', '--pid', '7'];
    expect(cli(...traced, '--assert', 'number=7000').status).toBe(0);
    expect(cli(...traced, '--assert', 'number=7000', '--fire', 'nowhere').status).toBe(3);
  });

  it.each([
    [['--assert', 'shared={1}'], 0, ''],
    [['--assert', 'shared=0-1'], 1, 'assertion: shared is {1}, not 0-1'],
    [['--assert', 'shared=what'], 2, '--assert shared: "what" is no mask'],
    [['--assert', 'nobody=1'], 2, 'the object has no global variable "nobody"'],
  ] as const)('asserts by type: %j', (args, status, words) => {
    const result = cli(
      'explore',
      `${RACES}/double_claim.bpf.o`,
      '--setup',
      'set_up',
      '--cpu',
      '0=claim_right',
      ...args,
    );
    expect(result.status).toBe(status);
    expect(result.stdout + result.stderr).toContain(words);
  });

  it('says of a program that is refused where and why, and how to run it all the same', () => {
    const { status, stderr } = cli('explore', EXPLORED, '--cpu', '0=pair');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^pair: rejected by the verifier \(errno 22\): BPF_EXIT instruction in main prog would/);
    expect(stderr).toMatch(/explored\.bpf\.c:\d+: /);
    expect(stderr).toContain('--unverified');
  });

  it('tells where what leaks was made, and of each failure how to see it again', () => {
    const faults = ['explore', EXPLORED, '--unverified', '--cpu', '0=pair', '--faults'];
    expect(cli(...faults).stdout).toMatch(/explored\.bpf\.c:83 +-12 +leak: .* \(\S*explored\.bpf\.c:79\)$/m);
    const [report] = json(cli(...faults, '--json'));
    expect(report).toMatchObject({
      object: 'explored',
      threads: [{ cpu: 0, program: 'pair', irq: false }],
      space: expect.stringMatching(/^[0-9a-f]{16}$/),
      faults: [
        { program: null, source: null, finding: null, ended: true },
        { program: 'pair', source: { line: 79 }, finding: null },
        {
          program: 'pair',
          source: { line: 83 },
          schedule: 'faults,0:8!2',
          finding: { kind: 'leak', source: { line: 79 } },
        },
      ],
    });
  });

  it.each([
    [['--faults', '--shard', '0/2'], '--shard: does not go with --faults'],
    [['--faults', '--no-reduce'], '--no-reduce: does not go with --faults'],
    [['--replay', 'gp', '--limit', '3'], '--limit: does not go with --replay'],
    [['--replay', 'gp', '--faults'], '--faults: does not go with --replay'],
    [['--replay', '0:5'], 'ends before the programs do: claim_wrong on CPU 0 is at'],
  ] as const)('refuses %j', (args, message) => {
    const { status, stderr } = cli(...claim, '--cpu', '0=claim_wrong', ...args);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });

  it('refuses options beside --merge', () => {
    const { status, stderr } = cli('explore', '--preemptions', '3', '--merge', 'README.md');
    expect([status, stderr]).toEqual([2, expect.stringContaining('--preemptions: does not go with --merge')]);
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
