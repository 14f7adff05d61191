/** What callbacks get in their registers (set_*_callback_state). */
import { CONST_PTR_TO_MAP, PTR_TO_BTF_ID, PTR_TO_MAP_KEY, PTR_TO_MAP_VALUE } from '../kernel/bpf/bpf.ts';
import { BPF_RB_ROOT } from '../kernel/bpf/btf_record.ts';
import type { MapType } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { markDynptrCbReg } from './dynptr.ts';
import type { Env } from './env.ts';
import type { SetCalleeState } from './frames.ts';
import type { FuncState } from './func_state.ts';
import { markRegGraphNode, refSetNonOwning } from './graph.ts';
import { regBtfRecord } from './locks.ts';
import { findField } from './map_fields.ts';
import type { VerifierMap } from './maps.ts';
import { msg } from './messages.ts';
import { BPF_DYNPTR_TYPE_LOCAL, type RegState } from './reg_state.ts';

const ZERO_OR_ONE = { min: 0, max: 1 };
const ZERO = { min: 0, max: 0 };
const ANY_S32 = { min: -0x80000000, max: 0x7fffffff };

/** Maps that bpf_for_each_map_elem() walks. */
const WALKABLE: ReadonlySet<MapType> = new Set([
  'array',
  'percpu_array',
  'hash',
  'percpu_hash',
  'lru_hash',
  'lru_percpu_hash',
]);

function unused(callee: FuncState, ...regnos: readonly number[]): void {
  for (const regno of regnos) callee.reg(regno).markNotInit();
}

function mapPointer(reg: RegState, type: number, map: VerifierMap | null, uid: number): void {
  reg.markPointer(type);
  reg.map = map;
  reg.mapUid = uid;
}

/** callback(map, key, value, ctx) */
export const setMapElemCallbackState: SetCalleeState = (env, caller, callee, insnIdx) => {
  const seen = env.aux.find(insnIdx)?.mapPtr ?? null;
  const of = caller.reg(1);
  const map = seen === 'poison' || seen === null ? of.map : seen;
  if (!map || !WALKABLE.has(map.type)) env.reject(errno.ENOTSUPP, msg.mapNoCallback());
  callee.reg(1).assign(of);
  mapPointer(callee.reg(2), PTR_TO_MAP_KEY, of.map, of.mapUid);
  mapPointer(callee.reg(3), PTR_TO_MAP_VALUE, of.map, of.mapUid);
  callee.reg(4).assign(caller.reg(3));
  unused(callee, 5);
  callee.inCallbackFn = true;
  callee.retRange = ZERO_OR_ONE;
};

/** callback(index, ctx) */
export const setLoopCallbackState: SetCalleeState = (_env, caller, callee) => {
  callee.reg(1).markUnknown();
  callee.reg(2).assign(caller.reg(3));
  unused(callee, 3, 4, 5);
  callee.inCallbackFn = true;
  callee.retRange = ZERO_OR_ONE;
};

function mapKeyValue(callee: FuncState, map: VerifierMap | null, uid: number): void {
  mapPointer(callee.reg(1), CONST_PTR_TO_MAP, map, uid);
  mapPointer(callee.reg(2), PTR_TO_MAP_KEY, map, uid);
  mapPointer(callee.reg(3), PTR_TO_MAP_VALUE, map, uid);
  unused(callee, 4, 5);
  callee.inAsyncCallbackFn = true;
}

/** Timers and work queues: callback(map, key, value) */
export const setTimerCallbackState: SetCalleeState = (_env, caller, callee) => {
  mapKeyValue(callee, caller.reg(1).map, caller.reg(1).mapUid);
  callee.retRange = ZERO;
};

/** Task work: callback(map, key, value) */
export const setTaskWorkCallbackState: SetCalleeState = (_env, caller, callee) => {
  mapKeyValue(callee, caller.reg(3).map, caller.reg(3).mapUid);
  callee.retRange = ANY_S32;
};

/** callback(task, vma, ctx) */
export const setFindVmaCallbackState: SetCalleeState = (env, caller, callee) => {
  callee.reg(1).assign(caller.reg(1));
  const vma = callee.reg(2).markPointer(PTR_TO_BTF_ID);
  vma.btf = env.vmlinux;
  vma.btfId = env.vmlinux.find('vm_area_struct', 'struct');
  callee.reg(3).assign(caller.reg(4));
  unused(callee, 4, 5);
  callee.inCallbackFn = true;
  callee.retRange = ZERO_OR_ONE;
};

/** callback(dynptr, ctx) */
export const setUserRingbufCallbackState: SetCalleeState = (env, caller, callee) => {
  unused(callee, 0);
  markDynptrCbReg(env, callee.reg(1), BPF_DYNPTR_TYPE_LOCAL);
  callee.reg(2).assign(caller.reg(3));
  unused(callee, 3, 4, 5);
  callee.inCallbackFn = true;
  callee.retRange = ZERO_OR_ONE;
};

/** less(a, b): both are nodes seen under the lock. */
export const setRbtreeAddCallbackState: SetCalleeState = (env, caller, callee) => {
  const root = rootOf(env, caller.reg(1));
  for (const regno of [1, 2]) {
    markRegGraphNode(callee.reg(regno), root);
    refSetNonOwning(env, callee.reg(regno));
  }
  unused(callee, 3, 4, 5);
  callee.inCallbackFn = true;
  callee.retRange = ZERO_OR_ONE;
};

function rootOf(env: Env, reg: RegState) {
  const root = findField(regBtfRecord(env, reg), reg.off, BPF_RB_ROOT)?.graphRoot;
  if (!root) return env.reject(errno.EFAULT);
  return root;
}
