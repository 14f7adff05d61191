/** Timers, work queues, task work and kptrs in map values that are passed to a call (process_timer_func ...). */
import { PTR_TO_MAP_VALUE } from '../kernel/bpf/bpf.ts';
import {
  BPF_KPTR,
  BPF_KPTR_PERCPU,
  BPF_KPTR_REF,
  BPF_TASK_WORK,
  BPF_TIMER,
  BPF_WORKQUEUE,
  type BtfField,
  type BtfRecord,
} from '../kernel/bpf/btf_record.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { regBtfRecord } from './locks.ts';
import type { VerifierMap } from './maps.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';

/** What such an argument says of the map it lies in. */
export interface MapArg {
  readonly map: VerifierMap;
  readonly uid: number;
}

interface MapField {
  readonly type: number;
  readonly name: string;
  readonly offset: (record: BtfRecord) => number;
}

const TIMER: MapField = { type: BPF_TIMER, name: 'bpf_timer', offset: (record) => record.timerOff };
const WQ: MapField = { type: BPF_WORKQUEUE, name: 'bpf_wq', offset: (record) => record.wqOff };
const TASK_WORK: MapField = { type: BPF_TASK_WORK, name: 'bpf_task_work', offset: (record) => record.taskWorkOff };

/** check_map_field_pointer: the register points to the field of that kind of its map. */
function checkMapFieldPointer(env: Env, regno: number, field: MapField): MapArg {
  const reg = env.curRegs()[regno] as RegState;
  const map = reg.map as VerifierMap;
  if (!range.isConst(reg.val)) env.reject(errno.EINVAL, msg.fieldNotConstant(regno, field.name));
  if (!map.btf) env.reject(errno.EINVAL, msg.fieldNeedsBtf(map.name, field.name));
  const { record } = map;
  if (!record || !(record.fieldMask & field.type)) env.reject(errno.EINVAL, msg.fieldNotInMap(map.name, field.name));
  const off = range.valueF(reg.val) + reg.off;
  if (off !== field.offset(record)) env.reject(errno.EINVAL, msg.fieldElsewhere(off, field.name, field.offset(record)));
  return { map, uid: reg.mapUid };
}

export function processTimerFunc(env: Env, regno: number): MapArg {
  return checkMapFieldPointer(env, regno, TIMER);
}

export function processWqFunc(env: Env, regno: number): MapArg {
  return checkMapFieldPointer(env, regno, WQ);
}

export function processTaskWorkFunc(env: Env, regno: number): MapArg {
  return checkMapFieldPointer(env, regno, TASK_WORK);
}

/** btf_record_find: the field of one of the kinds at an offset. */
export function findField(record: BtfRecord | null, offset: number, mask: number): BtfField | null {
  if (!record || !(record.fieldMask & mask)) return null;
  return record.fields.find((field) => field.offset === offset && (field.type & mask) !== 0) ?? null;
}

/** process_kptr_func: the referenced kptr that bpf_kptr_xchg puts into; its map where it lies in one. */
export function processKptrFunc(
  env: Env,
  regno: number,
): { readonly field: BtfField; readonly map: VerifierMap | null } {
  const reg = env.curRegs()[regno] as RegState;
  const map = reg.type === PTR_TO_MAP_VALUE ? reg.map : null;
  if (map && !map.btf) env.reject(errno.EINVAL, msg.fieldNeedsBtf(map.name, 'bpf_kptr_xchg'));
  const record = regBtfRecord(env, reg);
  if (!range.isConst(reg.val)) env.reject(errno.EINVAL, msg.kptrNotConstant(regno));
  if (!record || !(record.fieldMask & BPF_KPTR)) env.reject(errno.EINVAL, msg.noKptr(regno));
  const off = reg.off + range.valueF(reg.val);
  const field = findField(record, off, BPF_KPTR);
  if (!field) env.reject(errno.EACCES, msg.notKptr(off));
  if (field.type !== BPF_KPTR_REF && field.type !== BPF_KPTR_PERCPU) {
    env.reject(errno.EACCES, msg.kptrUnreferenced(off));
  }
  return { field, map };
}
