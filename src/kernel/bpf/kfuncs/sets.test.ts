import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ProgType } from '../../../uapi/bpf.ts';
import { atRelease, KF_ITER_NEXT, KF_RET_NULL } from '../rows.ts';
import { OTHER_KFUNCS } from './sets.ts';

interface Asked {
  /** Program types asked, a tracing one with its attach type. */
  readonly types: readonly string[];
  readonly groups: readonly { readonly types: readonly string[]; readonly kfuncs: readonly string[] }[];
  readonly tagged: readonly string[];
}

const asked = JSON.parse(readFileSync('test/data/kfuncs-6.18.json', 'utf8')) as Asked;
const byName = new Map(OTHER_KFUNCS.map((row) => [row.name, row]));

/** Functions that the kernel's BTF tags, though no program may call them at all. */
const OF_CPUMASK = /^bpf_cpumask_/;

it('has a row for every function that the kernel tags as a kfunc, once', () => {
  expect(byName.size).toBe(OTHER_KFUNCS.length);
  const missing = asked.tagged.filter((name) => !OF_CPUMASK.test(name) && !byName.has(name));
  expect(missing).toEqual([]);
});

function allowed(name: string, type: string): boolean {
  const row = byName.get(name);
  const [base = '', attach] = type.split(':');
  if (!row || !atRelease(row.programs, '6.18')?.includes(base as ProgType)) return false;
  if (row.onlyFor === 'iter') return attach === 'trace_iter';
  return row.onlyFor === undefined;
}

it.each(asked.groups.filter((group) => !OF_CPUMASK.test(group.kfuncs[0] ?? '')))('$kfuncs.0 ...', (group) => {
  for (const name of group.kfuncs) {
    expect([name, ...asked.types.filter((type) => allowed(name, type))]).toEqual([name, ...group.types]);
  }
});

it('marks every iterator step as one that may give NULL', () => {
  for (const row of OTHER_KFUNCS) {
    const flags = atRelease(row.flags, '6.18') ?? 0;
    if (flags & KF_ITER_NEXT) expect([row.name, flags & KF_RET_NULL]).toEqual([row.name, KF_RET_NULL]);
  }
});
