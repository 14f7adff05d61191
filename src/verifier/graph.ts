/** Nodes and roots of lists and trees: callbacks, owning and non-owning references (mark_reg_graph_node ...). */
import { MEM_ALLOC, MEM_RCU, NON_OWN_REF, PTR_TO_BTF_ID } from '../kernel/bpf/bpf.ts';
import type { GraphRoot } from '../kernel/bpf/btf_record.ts';
import { isKfuncCall, kfuncLike } from './call_info.ts';
import type { Env } from './env.ts';
import type { FuncState } from './func_state.ts';
import { regBtfRecord } from './locks.ts';
import { findReferenceState } from './refs.ts';
import type { RegState } from './reg_state.ts';
import { forEachReg } from './verifier_state.ts';

export const TREE_KFUNCS: ReadonlySet<string> = new Set([
  'bpf_rbtree_add_impl',
  'bpf_rbtree_remove',
  'bpf_rbtree_first',
  'bpf_rbtree_root',
  'bpf_rbtree_left',
  'bpf_rbtree_right',
]);

/** in_rbtree_lock_required_cb: does the callback of a tree kfunc run, which is called with the lock held? */
export function inRbtreeLockRequiredCb(env: Env): boolean {
  const state = env.curState;
  for (let i = state.curframe; i > 0; i--) {
    const frame = state.frame[i] as FuncState;
    if (!frame.inCallbackFn) continue;
    const call = env.insn(frame.callsite);
    if (isKfuncCall(call) && TREE_KFUNCS.has(kfuncLike(env, call))) return true;
  }
  return false;
}

/** mark_reg_graph_node: a pointer to the node inside the struct that the root holds. */
export function markRegGraphNode(reg: RegState, root: GraphRoot): void {
  reg.markPointer(PTR_TO_BTF_ID | MEM_ALLOC);
  reg.btf = root.btf;
  reg.btfId = root.valueBtfId;
  reg.off = root.nodeOffset;
}

/** ref_set_non_owning: usable while the lock is held; with a refcount, in an RCU section too. */
export function refSetNonOwning(env: Env, reg: RegState): void {
  const record = regBtfRecord(env, reg);
  reg.type |= NON_OWN_REF;
  if (record && record.refcountOff >= 0) reg.type |= MEM_RCU;
}

/** ref_convert_owning_non_owning: what was owned now belongs to a list or tree. False: no such reference. */
export function refConvertOwningNonOwning(env: Env, refObjId: number): boolean {
  if (!refObjId || !findReferenceState(env.curState, refObjId)) return false;
  forEachReg(env.curState, (reg) => {
    if (reg.refObjId !== refObjId) return;
    reg.refObjId = 0;
    refSetNonOwning(env, reg);
  });
  return true;
}
