/** Every kfunc, one row each; row ids are indexes into KFUNCS. */
import { InvariantError } from '../../../errors.ts';
import { existsIn, type KfuncRow, type Release } from '../rows.ts';
import { CPUMASK_KFUNCS } from './cpumask.ts';
import { OTHER_KFUNCS } from './sets.ts';

export const KFUNCS: readonly KfuncRow[] = [...CPUMASK_KFUNCS, ...OTHER_KFUNCS];

const ids: ReadonlyMap<string, number> = new Map(KFUNCS.map((row, id) => [row.name, id]));

/** Row id of a kfunc: what `call_kfunc` of kernel.wasm takes; undefined when there is no such row. */
export function kfuncId(name: string): number | undefined {
  return ids.get(name);
}

/** The row of `bpf_cpumask_create`; undefined when there is none. */
export function kfuncByName(name: string): KfuncRow | undefined {
  const id = ids.get(name);
  return id === undefined ? undefined : KFUNCS[id];
}

export function kfuncRow(id: number): KfuncRow {
  const row = KFUNCS[id];
  if (!row) throw new InvariantError(`no kfunc row ${id}`);
  return row;
}

/** KF_ flags that a kfunc has in any release. */
export function anyFlags(id: number): number {
  return Object.values(kfuncRow(id).flags).reduce((bits: number, some) => bits | (some ?? 0), 0);
}

/** The kfuncs of a release. */
export function kfuncsOf(release: Release): readonly KfuncRow[] {
  return KFUNCS.filter((row) => existsIn(row, release));
}
