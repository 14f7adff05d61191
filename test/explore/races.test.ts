/** Each race is found, with a schedule that shows it; its right twin is clean in every order. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Exploration, Explorer } from '../../src/explore/explore.ts';
import { createMachine } from '../../src/index.ts';
import type { Release } from '../../src/kernel/bpf/rows.ts';

/** What shows a race: kind and text of the finding. */
const RETURNED = { kind: 'check', text: /returned 1/ };
const ERR = { kind: 'assertion', text: /err is 1/ };
const LOST = { kind: 'lost-update', text: /change of CPU 3 .* is lost/ };
const LEAKED = { kind: 'leak', text: /still allocated, and no map leads to it/ };
const LOST_REFERENCE = {
  kind: 'leak',
  text: /^(1 of 2 references|the reference) to a struct (bpf_cpumask|task_struct) is lost/,
};
/** Of programs that the verifier refuses. */
const FREED = { kind: 'fault', text: /use-after-free/ };

interface Race {
  readonly file: string;
  readonly shows: typeof RETURNED;
  /** Programs on CPU 0, 1, ..; `*`: there is a `_wrong` and a `_right` one; `@`: it interrupts CPU 0. */
  readonly programs: readonly string[];
  /** Fewest preemptions that show it. */
  readonly preemptions: number;
  readonly failures?: number;
  /** Of the machine; default 8. */
  readonly cpus?: number;
  /** Variables with which the wrong version is right as well. */
  readonly harmless?: Readonly<Record<string, number>>;
  /** Kernel release; default: the machine's. */
  readonly kernel?: Release;
  /** The verifier refuses the wrong program. */
  readonly unverified?: true;
}

const WIDE = { cpus: 130, harmless: { far: 33 } };

const races: readonly Race[] = [
  { file: 'double_claim', shows: RETURNED, programs: ['claim*', 'claim*'], preemptions: 1 },
  { file: 'lost_or', shows: LOST, programs: ['add*', 'set_one'], preemptions: 1 },
  { file: 'empty_slot', shows: ERR, programs: ['change', 'read*'], preemptions: 1 },
  { file: 'put_back', shows: RETURNED, programs: ['change*', 'replace'], preemptions: 1, failures: 0 },
  { file: 'update_drops_kptr', shows: RETURNED, programs: ['place', 'weigh*'], preemptions: 0 },
  { file: 'over_limit', shows: RETURNED, programs: ['take*', 'take*'], preemptions: 1 },
  { file: 'published_early', shows: ERR, programs: ['publish*', 'pick'], preemptions: 1 },
  { file: 'torn_partition', shows: ERR, programs: ['move*', 'look'], preemptions: 1 },
  { file: 'torn_copy', shows: ERR, programs: ['change*', 'look'], preemptions: 1, ...WIDE },
  { file: 'torn_query', shows: ERR, programs: ['move*', 'look'], preemptions: 1, ...WIDE },
  { file: 'null_path', shows: RETURNED, programs: ['claim*', 'claim*'], preemptions: 0 },
  { file: 'plain_counter', shows: RETURNED, programs: ['count*', 'count*'], preemptions: 1 },
  { file: 'interrupted', shows: RETURNED, programs: ['pick*', '@irq'], preemptions: 1 },
  { file: 'element_reused', shows: RETURNED, programs: ['mark*', 'replace'], preemptions: 1 },
  { file: 'unlocked_pair', shows: ERR, programs: ['move*', 'look*'], preemptions: 1 },
  { file: 'unlocked_update', shows: ERR, programs: ['move*', 'read_locked'], preemptions: 1 },
  { file: 'late_clock', shows: ERR, programs: ['account*', 'account*'], preemptions: 1 },
  { file: 'kept_too_long', shows: FREED, programs: ['read*', 'drop'], preemptions: 1, unverified: true },
  { file: 'released_in_map', shows: FREED, programs: ['drop*', 'use'], preemptions: 0, unverified: true },
  { file: 'late_put', shows: RETURNED, programs: ['put*', 'replace'], preemptions: 1 },
  { file: 'late_put', shows: LEAKED, programs: ['put*', 'remove'], preemptions: 1, kernel: '6.17' },
  { file: 'lost_reference', shows: LOST_REFERENCE, programs: ['share*', 'remove'], preemptions: 1, kernel: '6.17' },
  { file: 'lost_reference', shows: LOST_REFERENCE, programs: ['count*'], preemptions: 0, unverified: true },
  { file: 'lost_reference', shows: LOST_REFERENCE, programs: ['keep*', 'keep*'], preemptions: 0, unverified: true },
  { file: 'lost_reference', shows: LEAKED, programs: ['forget*'], preemptions: 0, unverified: true },
  { file: 'timer_order', shows: ERR, programs: ['start*'], preemptions: 0 },
  { file: 'cancelled_late', shows: ERR, programs: ['look', 'stop*'], preemptions: 1 },
  { file: 'work_claim', shows: RETURNED, programs: ['claim*'], preemptions: 1 },
  { file: 'timer_lost_or', shows: LOST, programs: ['add*'], preemptions: 1 },
  { file: 'timer_keeps_mask', shows: FREED, programs: ['start*'], preemptions: 0, unverified: true },
];

function explorer(race: Race, version: 'wrong' | 'right', set = {}): Explorer {
  const { file, shows, programs, failures, cpus = 8, kernel = '6.18', unverified = false } = race;
  const nrCpus = Math.max(cpus, 64);
  const machine = createMachine({ cpus, nrCpus, profile: kernel, memoryLimit: 16 << 20, explorable: true });
  const bytes = readFileSync(new URL(`races/${file}.bpf.o`, import.meta.url));
  const object = machine.load(bytes, { name: file, set, unverified });
  const setUp = object.programs.find(({ name }) => name === 'set_up');
  expect(setUp?.run().retval ?? 0).toBe(0);
  const threads = programs.map((program, cpu) => {
    const irq = program.startsWith('@');
    const name = program.replace('@', '').replace('*', `_${version}`);
    return { cpu: irq ? 0 : cpu, irq, program: object.program(name) };
  });
  return new Explorer(object, {
    threads,
    check: shows === RETURNED ? { cpu: 0, program: object.program('check') } : null,
    assertions: shows === ERR ? [{ variable: 'err', value: '0' }] : [],
    ...(failures === undefined ? {} : { failures }),
  });
}

function isClean(found: Exploration): void {
  expect(found.findings).toEqual([]);
  expect(found.exhausted).toBe(true);
  expect(found.schedules).toBeGreaterThan(0);
}

describe.each(races)('$file: $programs', (race) => {
  it('is found, with the simplest schedule, which shows it again', () => {
    const { findings, exhausted } = explorer(race, 'wrong').run();
    expect(exhausted).toBe(true);
    const [finding] = findings;
    expect(finding).toMatchObject({ kind: race.shows.kind, preemptions: race.preemptions });
    expect(finding?.text).toMatch(race.shows.text);
    const again = explorer(race, 'wrong').replay(finding?.schedule ?? '');
    expect(again?.key).toBe(finding?.key);
  });

  it('is not there in the right version, in any order', () => isClean(explorer(race, 'right').run()));
});

it.each(races.filter(({ harmless }) => harmless))('$file is not there within one word', (race) =>
  isClean(explorer(race, 'wrong', race.harmless).run()),
);
