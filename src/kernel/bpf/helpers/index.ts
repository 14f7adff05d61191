import { FUNC_PROTOS, type FuncProto } from './protos.ts';
import { HELPERS, type HelperRow } from './rows.ts';
import { type HelperQuery, protoName } from './sets.ts';

export type { FuncProto } from './protos.ts';
export { FUNC_PROTOS } from './protos.ts';
export { HELPERS, type HelperRow } from './rows.ts';
export type { HelperQuery } from './sets.ts';

const byName: ReadonlyMap<string, HelperRow> = new Map(HELPERS.map((row) => [row.name, row]));

/** The row of `call imm`; undefined when the kernel has no such helper. */
export function helperById(id: number): HelperRow | undefined {
  return HELPERS[id - 1];
}

/** The row of `bpf_map_lookup_elem`. */
export function helperByName(name: string): HelperRow | undefined {
  return byName.get(name);
}

/** What the verifier has to check of a call, or null when this program may not make it. */
export function getFuncProto(row: HelperRow, query: HelperQuery): FuncProto | null {
  const name = protoName(row.name.slice('bpf_'.length), query);
  return name === null ? null : FUNC_PROTOS[name];
}
