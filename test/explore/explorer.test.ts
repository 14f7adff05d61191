/** What an Explorer says of how much it tried, the schedules that it gives, and what it refuses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine, type ExploreOptions, Explorer } from '../../src/index.ts';

interface Setting {
  readonly unverified?: boolean;
  readonly setUp?: string;
  readonly machine?: Parameters<typeof createMachine>[0];
}

function explorer(
  programs: readonly string[],
  options: Partial<ExploreOptions> = {},
  { unverified = false, setUp, machine: config }: Setting = {},
  file = 'explored',
): Explorer {
  const machine = createMachine({ cpus: 4, nrCpus: 64, memoryLimit: 16 << 20, explorable: true, ...config });
  const object = machine.load(readFileSync(new URL(`${file}.bpf.o`, import.meta.url)), { unverified });
  if (setUp !== undefined) object.program(setUp).run();
  const threads = programs.map((name, cpu) => ({ cpu, program: object.program(name) }));
  return new Explorer(object, { threads, ...options });
}

const WAIT = ['wait_flag', 'set_flag'];
const NEVER = { assertions: [{ variable: 'flag', value: 7 }] };

describe('a program that waits in a loop', () => {
  it('is left where it goes on for too long, and the others go on', () => {
    const { schedules, tooLong, exhausted, stopped, findings } = explorer(WAIT, { limit: 300 }).run();
    expect({ exhausted, stopped, findings }).toEqual({ exhausted: false, stopped: 'limit', findings: [] });
    expect(schedules + tooLong).toBe(300);
    expect(schedules).toBeGreaterThan(250);
  });

  it('does not hide what is wrong elsewhere', () => {
    const { findings } = explorer(WAIT, { ...NEVER, limit: 100 }).run();
    expect(findings[0]).toMatchObject({ text: 'flag is 1, not 7', preemptions: 0 });
  });

  it('is said to be left when there is nobody to wait for', () => {
    const { schedules, tooLong, exhausted, stopped } = explorer(['wait_flag']).run();
    expect({ schedules, tooLong, exhausted, stopped }).toEqual({
      schedules: 0,
      tooLong: 1,
      exhausted: false,
      stopped: null,
    });
  });

  it('does not end alone, with --faults', () => {
    expect(explorer(['wait_flag']).faults()).toMatchObject([{ ended: false, retvals: [null], finding: null }]);
  });

  it('is too long as the check, which says nothing then', () => {
    const machine = createMachine({ cpus: 2, nrCpus: 64, memoryLimit: 16 << 20, explorable: true });
    const object = machine.load(readFileSync(new URL('explored.bpf.o', import.meta.url)));
    const [program, check] = ['replace', 'wait_flag'].map((name) => object.program(name));
    if (!program || !check) throw new Error('not there');
    const found = new Explorer(object, { threads: [{ cpu: 0, program }], check: { cpu: 1, program: check } }).run();
    expect(found).toMatchObject({ findings: [], exhausted: false });
    expect(found.tooLong).toBeGreaterThan(0);
  });
});

describe('a search that is stopped', () => {
  it('gives what it has found', async () => {
    const asked: number[][] = [];
    const onProgress = (...counts: number[]) => asked.push(counts) < 1;
    const stopped = await explorer(WAIT, { ...NEVER, onProgress }).runAsync();
    const findings = [{ text: 'flag is 1, not 7' }];
    expect(stopped).toMatchObject({ exhausted: false, stopped: 'interrupted', findings });
    expect(asked[0]).toEqual([expect.any(Number), 1]);
  });

  it('comes to the same as one that lets nobody in between', async () => {
    const race = () => explorer(['take_wrong', 'take_right'], {}, { setUp: 'set_up' }, 'races/over_limit');
    const strip = ({ durationMs: _, ...rest }: Awaited<ReturnType<Explorer['runAsync']>>) => rest;
    expect(strip(await race().runAsync())).toEqual(strip(race().run()));
  });
});

it('says within which bounds it tried everything', () => {
  const { bounds, exhausted } = explorer(['replace', 'replace'], { preemptions: 0, failures: 0 }).run();
  expect({ bounds, exhausted }).toEqual({
    bounds: { preemptions: 0, failures: 0, callbacks: 2, limit: 10_000_000, reduce: false },
    exhausted: true,
  });
});

describe('a schedule', () => {
  it('has no grace period that the finding is there without', () => {
    const found = explorer(['replace', 'replace'], { ...NEVER, failures: 0 }).run();
    expect(found.findings[0]?.schedule).toMatch(/^[01]:\d+,[01]:\d+$/);
  });

  it('keeps those that it needs', () => {
    const found = explorer(['read_wrong', 'drop'], {}, { unverified: true, setUp: 'set_up' }, 'races/kept_too_long');
    expect(found.run().findings[0]?.schedule).toContain('gp');
  });

  it('shows a deadlock again', () => {
    const locks = () => explorer(['lock_up', 'lock_down'], {}, { unverified: true });
    const [finding] = locks().run().findings;
    expect(finding).toMatchObject({ kind: 'deadlock' });
    expect(locks().replay(finding?.schedule ?? '')?.kind).toBe('deadlock');
  });

  it('shows an allocation that failed again', () => {
    const [, , point] = explorer(['pair'], {}, { unverified: true }).faults();
    expect(point).toMatchObject({ retvals: [-12], finding: { kind: 'leak', schedule: point?.schedule } });
    const again = explorer(['pair'], {}, { unverified: true }).replay(point?.schedule ?? '');
    expect(again?.key).toBe(point?.finding?.key);
  });

  it.each([
    ['0:2', /ends before the programs do: replace on CPU 0 is at \S+:\d+, replace on CPU 1 has not begun/],
    ['gp', /ends before the programs do: replace on CPU 0 has not begun/],
    ['9:1', /"9:1" names thread 9; there are threads 0-1/],
    ['0:1x', /"0:1x" is no step/],
  ])('that is none is refused: %s', (schedule, problem) => {
    expect(() => explorer(['replace', 'replace']).replay(schedule)).toThrow(problem);
  });
});

describe('refuses', () => {
  it.each<[string, Partial<ExploreOptions>, RegExp]>([
    ['failures', { failures: -1 }, /failures: -1 is not a whole number from 0/],
    ['preemptions', { preemptions: 0.5 }, /preemptions: 0.5 is not/],
    ['a limit', { limit: 0 }, /limit: 0 is not a whole number from 1/],
    ['a shard', { shard: { index: 5, count: 2 } }, /no part 5 of 2; they count from 0/],
    ['a shard of none', { shard: { index: 0, count: 0 } }, /no part 0 of 0/],
    ['no threads', { threads: [] }, /give 1 to 29 programs, not 0/],
    ['an assertion', { assertions: [{ variable: 'flag', value: 'up' }] }, /--assert flag: "up" is no whole number/],
  ])('%s that is none', (_, options, problem) => {
    expect(() => explorer(['replace'], options)).toThrow(problem);
  });

  it('a CPU that is not there', () => {
    expect(() => explorer(['replace', 'replace'], {}, { machine: { cpus: 1 } })).toThrow('there is no CPU 1');
  });

  it('a machine that cannot go back, and one that compiles', () => {
    expect(() => explorer(['replace'], {}, { machine: { explorable: false } })).toThrow('explorable: true');
    expect(() => createMachine({ explorable: true, engine: 'jit' })).toThrow('leave out jit');
  });

  it('a program of another machine', () => {
    const bytes = readFileSync(new URL('explored.bpf.o', import.meta.url));
    const [a, b] = [0, 1].map(() => createMachine({ cpus: 2, nrCpus: 64, explorable: true }).load(bytes));
    if (!a || !b) throw new Error('not there');
    const threads = [a, b].map((object, cpu) => ({ cpu, program: object.program('replace') }));
    expect(() => new Explorer(a, { threads })).toThrow('another machine');
  });
});

it('takes a value as an assertion, and as text', () => {
  const value = (of: unknown) =>
    explorer(['set_flag'], { assertions: [{ variable: 'flag', value: of }] }).run().findings;
  expect([1, '0x1', '1'].flatMap(value)).toEqual([]);
  expect(value(0)[0]?.text).toBe('flag is 1, not 0');
});
