import { describe, expect, it } from 'vitest';
import type { Btf } from '../../src/btf/btf.ts';
import { CPUMASK_KFUNCS } from '../../src/kernel/bpf/kfuncs/cpumask.ts';
import { kfuncByName } from '../../src/kernel/bpf/kfuncs/index.ts';
import { atRelease, existsIn, flagNames, type Release } from '../../src/kernel/bpf/rows.ts';
import { RELEASES } from '../../src/kernel/generated/releases.ts';
import { KERNELS, matrixProfile } from './compare.ts';

/** Functions that BTF tags as kfuncs. */
function tagged(btf: Btf): string[] {
  const names = new Set<string>();
  for (let id = 1; id < btf.nrTypes; id++) {
    if (btf.kind(id) !== 'decl_tag') continue;
    const tag = btf.type(id);
    if (tag.kind === 'decl_tag' && tag.name === 'bpf_kfunc') names.add(btf.name(tag.type));
  }
  return [...names];
}

describe.each(['6.12', '6.18', '7.2'] as const)('kfunc rows and the BTF of %s', (release) => {
  const { btf } = matrixProfile(release);

  it('have the cpumask kfuncs of this release, and no others', () => {
    const rows = CPUMASK_KFUNCS.map(({ name }) => name);
    expect(rows.filter((name) => existsIn(kfuncByName(name) as never, release))).toEqual(
      rows.filter((name) => btf.find(name, 'func')),
    );
  });

  it('have a row for every function that the BTF tags', () => {
    const missing = tagged(btf).filter((name) => {
      const row = kfuncByName(name);
      return !row || !existsIn(row, release) || atRelease(row.flags, release) === undefined;
    });
    expect(missing.filter((name) => name !== 'bpf_cpumask_release_dtor')).toEqual([]);
  });
});

describe('the cpumask kfuncs through the releases', () => {
  const flags = (name: string, release: Release): string =>
    flagNames(atRelease(kfuncByName(`bpf_cpumask_${name}`)?.flags ?? {}, release) ?? 0)
      .map((flag) => flag.slice('KF_'.length))
      .join(' ');
  const row = (release: Release): string[] =>
    ['create', 'release', 'acquire', 'and'].map((name) => flags(name, release));

  it('have the flags that they were registered with', () => {
    expect(row('6.3')).toEqual(['ACQUIRE RET_NULL', 'RELEASE TRUSTED_ARGS', 'ACQUIRE TRUSTED_ARGS', 'TRUSTED_ARGS']);
    for (const release of ['6.4', '6.12', '6.19'] as const) {
      expect(row(release)).toEqual(['ACQUIRE RET_NULL', 'RELEASE', 'ACQUIRE TRUSTED_ARGS', 'RCU']);
    }
    for (const release of ['7.0', '7.3'] as const) {
      expect(row(release)).toEqual(['ACQUIRE RET_NULL', 'RELEASE', 'ACQUIRE', 'RCU']);
    }
  });

  it('come and go', () => {
    const inRelease = (name: string): string[] =>
      (['6.3', '6.4', '6.5', '6.7', '6.8', '6.14', '6.15', '7.3'] as const).filter((release) =>
        existsIn(kfuncByName(`bpf_cpumask_${name}`) as never, release),
      );
    expect(inRelease('kptr_get')).toEqual(['6.3']);
    expect(inRelease('any')).toEqual(['6.3', '6.4']);
    expect(inRelease('any_and')).toEqual(['6.3', '6.4']);
    expect(inRelease('any_distribute')).toEqual(['6.5', '6.7', '6.8', '6.14', '6.15', '7.3']);
    expect(inRelease('first_and')).toEqual(['6.5', '6.7', '6.8', '6.14', '6.15', '7.3']);
    expect(inRelease('weight')).toEqual(['6.8', '6.14', '6.15', '7.3']);
    expect(inRelease('populate')).toEqual(['6.15', '7.3']);
  });

  it('are there for more and more program types', () => {
    const types = (release: Release) => atRelease(kfuncByName('bpf_cpumask_create')?.programs ?? {}, release) ?? [];
    const has = (release: Release) =>
      ['syscall', 'tracepoint', 'raw_tracepoint'].filter((type) => types(release).includes(type as never));
    expect(has('6.9')).toEqual([]);
    expect(has('6.10')).toEqual(['syscall']);
    expect(has('6.12')).toEqual(['syscall', 'tracepoint']);
    expect(has('7.0')).toEqual(['syscall', 'tracepoint', 'raw_tracepoint']);
  });
});

it('a release names the kernel that was asked about its rules', () => {
  expect(KERNELS.map(({ name }) => name)).toEqual(RELEASES.flatMap((file) => ('asked' in file ? [file.asked] : [])));
});
