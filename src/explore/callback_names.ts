/** How schedules name timers and work items, `timers[1].timer` or `jobs@8fa40.wq`: the same in every run, whoever comes first. */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import type { BpfMap } from '../kernel/bpf/maps/index.ts';
import type { KernelMemory } from '../kernel/memory.ts';

export type CallbackKind = 'timer' | 'work';

/** By BA_KIND. */
export const CALLBACK_KINDS: readonly CallbackKind[] = ['timer', 'work'];

const SUFFIX: Readonly<Record<CallbackKind, string>> = { timer: 'timer', work: 'wq' };
const FIELD_TYPE: Readonly<Record<CallbackKind, number>> = { timer: map.BPF_TIMER, work: map.BPF_WORKQUEUE };
const NAME = /^([\w.]+?)(?:\[(\d{1,9})\]|@([0-9a-f]{1,8}))\.(timer|wq)$/;

/** A bpf_timer or bpf_wq. */
export interface CallbackField {
  /** Offset in memory. */
  readonly field: number;
  readonly kind: CallbackKind;
}

/** Offset of the bpf_timer or bpf_wq in a map's values; null when they have none. */
function offsetIn(memory: KernelMemory, at: number, kind: CallbackKind): number | null {
  const record = memory.u32At(at + map.BM_RECORD);
  for (let i = 0; record !== 0 && i < memory.u32At(record + map.BR_COUNT); i++) {
    const row = record + map.BR_FIELDS + i * map.BTF_FIELD_SIZE;
    if (memory.u32At(row + map.BF_TYPE) === FIELD_TYPE[kind]) return memory.u32At(row + map.BF_OFFSET);
  }
  return null;
}

const isArray = ({ type }: BpfMap) => type === 'array';

export function nameOf(
  memory: KernelMemory,
  maps: readonly BpfMap[],
  owner: number,
  { field, kind }: CallbackField,
): string {
  const found = maps.find(({ offset }) => offset === owner);
  const place = found && isArray(found) ? field - (offsetIn(memory, owner, kind) ?? 0) - found.valueOffset(0) : null;
  const where = place === null ? `@${field.toString(16)}` : `[${place / memory.u32At(owner + map.BM_ELEM_SIZE)}]`;
  return `${found?.name ?? 'map'}${where}.${SUFFIX[kind]}`;
}

/** Null when there is none of that name. */
export function fieldNamed(memory: KernelMemory, maps: readonly BpfMap[], name: string): CallbackField | null {
  const [, owner, index, at = '', suffix] = NAME.exec(name) ?? [];
  if (suffix === undefined) return null;
  const kind = suffix === SUFFIX.timer ? 'timer' : 'work';
  if (index === undefined) {
    const field = Number.parseInt(at, 16);
    return field % 8 === 0 && field + 8 <= memory.u8().length ? { field, kind } : null;
  }
  const found = maps.find((one) => one.name === owner && isArray(one));
  const offset = found ? offsetIn(memory, found.offset, kind) : null;
  if (!found || offset === null || Number(index) >= found.maxEntries) return null;
  return { field: found.valueOffset(Number(index)) + offset, kind };
}
