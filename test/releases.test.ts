/** What a run gives differs between releases: rows of profiles/ that the simulated machine reads. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Release } from '../src/kernel/bpf/rows.ts';
import { RELEASES } from '../src/kernel/generated/releases.ts';
import { releaseHas } from '../src/kernel/profile.ts';
import { createMachine } from '../src/platform/create_machine.ts';
import { openProfile } from '../src/platform/node/profile.ts';
import { differences, runCases } from './corpus/corpus.ts';
import { readMatrix } from './matrix/compare.ts';

const slots = new Uint8Array(readFileSync(new URL('objects/slots.bpf.o', import.meta.url)));

/** Masks that are alive after an element with one was overwritten and deleted. */
function masksLeft(release: Release): number {
  const machine = createMachine({ cpus: 4, profile: openProfile(release) });
  const object = machine.load(slots, { set: { pid: 1, nr_cpus: 4 } });
  object.program('map_replace').run();
  expect(object.globals.get('err')).toBe(0);
  machine.rcu.synchronize();
  const left = machine.liveObjects().length;
  object.dispose();
  machine.rcu.synchronize();
  expect(machine.liveObjects()).toEqual([]);
  return left;
}

const late = new Uint8Array(readFileSync(new URL('objects/late.bpf.o', import.meta.url)));

/** What came of a mask that a program put into a deleted value, before and after the next value is made where it was. */
function latePut(release: Release, kind: 'hash' | 'storage'): object {
  const machine = createMachine({ cpus: 2, profile: openProfile(release) });
  const object = machine.load(late);
  expect(object.program(`${kind}_put`).run().retval).toBe(0);
  machine.rcu.synchronize();
  const leaks = machine.leaks().map(({ refs, lost }) => ({ refs, lost }));
  object.program(`${kind}_again`).run();
  machine.rcu.synchronize();
  return { leaks, again: object.globals.get('found'), live: machine.liveObjects().length };
}

describe('a run on an older or newer release', () => {
  it('keeps the kptrs of recycled map values from 7.2 on, until the map goes', () => {
    expect(masksLeft('6.12')).toBe(0);
    expect(masksLeft('6.18')).toBe(0);
    expect(masksLeft('7.2')).toBeGreaterThan(0);
  });

  it('looks for a CPU below nr_cpu_ids, and below a small NR_CPUS from 7.0 on', () => {
    const none = (release: Release): number => {
      const machine = createMachine({ cpus: 3, profile: openProfile(release, { nrCpus: 48 }) });
      using mask = machine.kfuncs.bpf_cpumask_create();
      return machine.kfuncs.bpf_cpumask_any_distribute(mask);
    };
    expect([none('6.12'), none('7.2')]).toEqual([3, 48]);
  });

  it('releases the kptr of a deleted element of a hash map with its memory, where there is a destructor', () => {
    // The next element at its place has the mask, whatever the release: seen on 6.18.44.
    const shown = { again: 1, live: 1 };
    expect(latePut('6.17', 'hash')).toEqual({ leaks: [{ refs: 1, lost: 1 }], ...shown });
    for (const release of ['6.12', '6.18', '7.2'] as const) {
      expect(latePut(release, 'hash')).toEqual({ leaks: [], ...shown });
    }
  });

  it('releases the kptr of a deleted task storage after a grace period, from 6.18 on', () => {
    expect(latePut('6.12', 'storage')).toEqual({ leaks: [{ refs: 1, lost: 1 }], again: 0, live: 1 });
    expect(latePut('6.18', 'storage')).toEqual({ leaks: [], again: 0, live: 0 });
  });

  it('has a test here for every such row', () => {
    const rows = RELEASES.flatMap(({ features }) => Object.entries(features)).filter(
      ([, { part }]) => part === 'machine',
    );
    expect(rows.map(([name]) => name).sort()).toEqual([
      'deleted_hash_values_freed',
      'deleted_storage_freed',
      'distribute_searches_nr_cpus',
      'kptrs_survive_recycling',
    ]);
    expect(releaseHas('7.3', 'kptrs_survive_recycling')).toBe(true);
  });
});

describe.each([
  ['6.12', '6.12.117'],
  ['6.18', '6.18.15'],
  ['7.2', '7.2.12'],
] as const)('return values of %s', (release, kernel) => {
  it('are those of the kernel', { timeout: 240_000 }, () => {
    const cases = new Map(runCases().map((row) => [`${row.file}.${row.program}`, row]));
    const profile = openProfile(release);
    const wrong: string[] = [];
    let ran = 0;
    for (const { file, program, kernels } of readMatrix()) {
      const retval = kernels[kernel]?.retval;
      const known = cases.get(`${file}.${program}`);
      if (retval === undefined || !known) continue;
      const { prog_type, ctx_in, data_in } = known;
      const inputs = { ...(ctx_in === undefined ? {} : { ctx_in }), ...(data_in === undefined ? {} : { data_in }) };
      const found = differences({ file, program, prog_type, verdict: 'accept', retval, ...inputs }, profile, 'jit');
      for (const one of found) wrong.push(`${file}.${program}: ${one}`);
      ran++;
    }
    expect(wrong).toEqual([]);
    expect(ran).toBeGreaterThan(120);
  });
});
