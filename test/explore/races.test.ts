/** Each race is found, with a schedule that shows it; its right twin is clean in every order. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ExploreOptions, Explorer } from '../../src/explore/explore.ts';
import { createMachine } from '../../src/index.ts';

interface Race {
  readonly file: string;
  /** Kind of the finding, and what it says. */
  readonly kind: string;
  readonly text: RegExp;
  /** Programs on CPU 0, 1, ..; `@` before one: it interrupts CPU 0. */
  readonly wrong: readonly string[];
  readonly right: readonly string[];
  readonly check?: boolean;
  readonly err?: boolean;
  readonly unverified?: boolean;
  readonly failures?: number;
  /** Fewest preemptions that show it. */
  readonly preemptions: number;
}

const twice = (name: string) => [name, name];

const races: readonly Race[] = [
  {
    file: 'double_claim',
    kind: 'check',
    text: /returned 1/,
    wrong: twice('claim_wrong'),
    right: twice('claim_right'),
    check: true,
    preemptions: 1,
  },
  {
    file: 'lost_or',
    kind: 'lost-update',
    text: /change of CPU 3 .* is lost/,
    wrong: ['add_wrong', 'set_one'],
    right: ['add_right', 'set_one'],
    preemptions: 1,
  },
  {
    file: 'empty_slot',
    kind: 'assertion',
    text: /err is 1/,
    wrong: ['change', 'read_wrong'],
    right: ['change', 'read_right'],
    err: true,
    preemptions: 1,
  },
  {
    file: 'put_back',
    kind: 'check',
    text: /returned 1/,
    wrong: ['change_wrong', 'replace'],
    right: ['change_right', 'replace'],
    check: true,
    failures: 0,
    preemptions: 1,
  },
  {
    file: 'update_drops_kptr',
    kind: 'check',
    text: /returned 1/,
    wrong: ['place', 'weigh_wrong'],
    right: ['place', 'weigh_right'],
    check: true,
    preemptions: 0,
  },
  {
    file: 'over_limit',
    kind: 'check',
    text: /returned 1/,
    wrong: twice('take_wrong'),
    right: twice('take_right'),
    check: true,
    preemptions: 1,
  },
  {
    file: 'published_early',
    kind: 'assertion',
    text: /err is 1/,
    wrong: ['publish_wrong', 'pick'],
    right: ['publish_right', 'pick'],
    err: true,
    preemptions: 1,
  },
  {
    file: 'torn_partition',
    kind: 'assertion',
    text: /err is 1/,
    wrong: ['move_wrong', 'look'],
    right: ['move_right', 'look'],
    err: true,
    preemptions: 1,
  },
  {
    file: 'null_path',
    kind: 'check',
    text: /returned 1/,
    wrong: twice('claim_wrong'),
    right: twice('claim_right'),
    check: true,
    preemptions: 0,
  },
  {
    file: 'plain_counter',
    kind: 'check',
    text: /returned 1/,
    wrong: twice('count_wrong'),
    right: twice('count_right'),
    check: true,
    preemptions: 1,
  },
  {
    file: 'interrupted',
    kind: 'check',
    text: /returned 1/,
    wrong: ['pick_wrong', '@irq'],
    right: ['pick_right', '@irq'],
    check: true,
    preemptions: 1,
  },
  {
    file: 'element_reused',
    kind: 'check',
    text: /returned 1/,
    wrong: ['mark_wrong', 'replace'],
    right: ['mark_right', 'replace'],
    check: true,
    preemptions: 1,
  },
  {
    file: 'unlocked_pair',
    kind: 'assertion',
    text: /err is 1/,
    wrong: ['move_wrong', 'look_wrong'],
    right: ['move_right', 'look_right'],
    err: true,
    preemptions: 1,
  },
  {
    file: 'kept_too_long',
    kind: 'fault',
    text: /use-after-free/,
    wrong: ['read_wrong', 'drop'],
    right: ['read_right', 'drop'],
    unverified: true,
    preemptions: 1,
  },
  {
    file: 'released_in_map',
    kind: 'fault',
    text: /use-after-free/,
    wrong: ['drop_wrong', 'use'],
    right: ['drop_right', 'use'],
    unverified: true,
    preemptions: 0,
  },
];

function explore(race: Race, programs: readonly string[], options: Partial<ExploreOptions> = {}) {
  const machine = createMachine({ cpus: 8, nrCpus: 64, memoryLimit: 16 << 20, explorable: true });
  const bytes = readFileSync(new URL(`races/${race.file}.bpf.o`, import.meta.url));
  const object = machine.load(bytes, { name: race.file, unverified: race.unverified });
  const setUp = object.programs.find(({ name }) => name === 'set_up');
  expect(setUp?.run().retval ?? 0).toBe(0);
  const threads = programs.map((name, cpu) => {
    const irq = name.startsWith('@');
    return { cpu: irq ? 0 : cpu, irq, program: object.program(irq ? name.slice(1) : name) };
  });
  return new Explorer(object, {
    threads,
    check: race.check ? { cpu: 0, program: object.program('check') } : null,
    assertions: race.err ? [{ variable: 'err', value: '0' }] : [],
    ...(race.failures === undefined ? {} : { failures: race.failures }),
    ...options,
  });
}

describe.each(races)('$file', (race) => {
  it('is found, with the simplest schedule, which shows it again', () => {
    const { findings, exhausted } = explore(race, race.wrong).run();
    expect(exhausted).toBe(true);
    const [finding] = findings;
    expect(finding).toMatchObject({ kind: race.kind, preemptions: race.preemptions });
    expect(finding?.text).toMatch(race.text);
    const again = explore(race, race.wrong).replay(finding?.schedule ?? '');
    expect(again?.key).toBe(finding?.key);
  });

  it('is not there in the right version, in any order', () => {
    const { findings, exhausted, schedules } = explore(race, race.right).run();
    expect(findings).toEqual([]);
    expect(exhausted).toBe(true);
    expect(schedules).toBeGreaterThan(0);
  });
});
