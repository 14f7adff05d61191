/** Spin locks (process_spin_lock, check_reg_allocation_locked). */
import { MEM_ALLOC, PTR_TO_BTF_ID, PTR_TO_MAP_VALUE } from '../kernel/bpf/bpf.ts';
import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK, type BtfRecord } from '../kernel/bpf/btf_record.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import { acquireLockState, findLockState, invalidateNonOwningRefs, releaseLockState } from './refs.ts';
import type { RegState } from './reg_state.ts';
import { typeIsPtrAllocObj } from './regs.ts';
import { REF_TYPE_LOCK, REF_TYPE_RES_LOCK, REF_TYPE_RES_LOCK_IRQ } from './verifier_state.ts';

/** reg_btf_record: special fields of what the register points to; null: none. */
export function regBtfRecord(env: Env, reg: RegState): BtfRecord | null {
  if (reg.type === PTR_TO_MAP_VALUE) return reg.map?.record ?? null;
  if (!typeIsPtrAllocObj(reg.type) || reg.btf !== env.btf) return null;
  return env.structMetas.get(reg.btfId) ?? null;
}

/** process_spin_lock: takes (`lock`) or gives back the lock at R`regno`. `res`: a resilient one, `irq`: its irq variant. */
export function processSpinLock(env: Env, regno: number, lock: boolean, res: boolean, irq: boolean): void {
  const reg = env.curRegs()[regno] as RegState;
  const state = env.curState;
  const name = res ? 'bpf_res_spin' : 'bpf_spin';
  if (!range.isConst(reg.val)) env.reject(errno.EINVAL, msg.fieldNotConstant(regno, `${name}_lock`));
  const map = reg.type === PTR_TO_MAP_VALUE ? reg.map : null;
  if (map && !map.btf) env.reject(errno.EINVAL, msg.fieldNeedsBtf(map.name, `${name}_lock`));
  const record = regBtfRecord(env, reg);
  if (!((record?.fieldMask ?? 0) & (res ? BPF_RES_SPIN_LOCK : BPF_SPIN_LOCK)) || !record) {
    env.reject(errno.EINVAL, msg.lockNotIn(map ? 'map' : 'local', map ? map.name : 'kptr', name));
  }
  const at = res ? record.resSpinLockOff : record.spinLockOff;
  const off = range.valueF(reg.val) + reg.off;
  if (off !== at) env.reject(errno.EINVAL, msg.fieldElsewhere(off, `${name}_lock`, at));
  const ptr = map ?? reg.btf;
  const type = res ? (irq ? REF_TYPE_RES_LOCK_IRQ : REF_TYPE_RES_LOCK) : REF_TYPE_LOCK;
  if (lock) {
    if (state.activeLocks && res && findLockState(state, REF_TYPE_RES_LOCK | REF_TYPE_RES_LOCK_IRQ, reg.id, ptr)) {
      env.reject(errno.EINVAL, msg.lockDeadlock());
    }
    acquireLockState(env, type, reg.id, ptr);
    return;
  }
  if (!state.activeLocks) env.reject(errno.EINVAL, msg.unlockWithout(name));
  if (!findLockState(state, type, reg.id, ptr)) env.reject(errno.EINVAL, msg.unlockOther(name));
  if (reg.id !== state.activeLockId || ptr !== state.activeLockPtr) env.reject(errno.EINVAL, msg.unlockOrder(name));
  if (!releaseLockState(state, type, reg.id, ptr)) env.reject(errno.EINVAL, msg.unlockOther(name));
  invalidateNonOwningRefs(env);
}

/** check_reg_allocation_locked: is the lock held that protects what the register points to? Says why not, if it has to. */
export function regAllocationLocked(env: Env, reg: RegState): boolean {
  const ptr = reg.type === PTR_TO_MAP_VALUE ? reg.map : reg.type === (PTR_TO_BTF_ID | MEM_ALLOC) ? reg.btf : null;
  const state = env.curState;
  if (!state.activeLocks) return false;
  const types = REF_TYPE_LOCK | REF_TYPE_RES_LOCK | REF_TYPE_RES_LOCK_IRQ;
  if (findLockState(state, types, reg.id, ptr)) return true;
  env.verbose(`${msg.notSameAllocation()}\n`);
  return false;
}
