/** Arguments of list and tree kfuncs: roots and nodes (__process_kf_arg_ptr_to_graph_root, ..._node). */

import type { Btf } from '../btf/btf.ts';
import { MEM_ALLOC, PTR_TO_BTF_ID, PTR_TO_MAP_VALUE } from '../kernel/bpf/bpf.ts';
import {
  BPF_LIST_HEAD,
  BPF_LIST_NODE,
  BPF_RB_NODE,
  BPF_RB_ROOT,
  type BtfField,
  btfFieldTypeName,
} from '../kernel/bpf/btf_record.ts';
import { errno } from '../uapi/errno.ts';
import { btfStructIdsMatch } from './btf_walk.ts';
import type { Env } from './env.ts';
import { inRbtreeLockRequiredCb } from './graph.ts';
import type { KfuncCall } from './kfunc_call.ts';
import { regAllocationLocked, regBtfRecord } from './locks.ts';
import { findField } from './map_fields.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { typeIsNonOwningRef } from './regs.ts';

const ALLOCATED = PTR_TO_BTF_ID | MEM_ALLOC;

function constantOffset(env: Env, reg: RegState, regno: number, field: string): number {
  if (!range.isConst(reg.val)) env.reject(errno.EINVAL, msg.fieldNotConstant(regno, field));
  return reg.off + range.valueF(reg.val);
}

/** A bpf_list_head or bpf_rb_root in a map value or object, under its lock. */
export function graphRootArg(env: Env, reg: RegState, regno: number, call: KfuncCall, rootType: number): BtfField {
  const arg = regno - 1;
  if (reg.type !== PTR_TO_MAP_VALUE && reg.type !== ALLOCATED) env.reject(errno.EINVAL, msg.mapValueOrAlloc(arg));
  const name = btfFieldTypeName(rootType);
  const off = constantOffset(env, reg, regno, name);
  const record = regBtfRecord(env, reg);
  const field = findField(record, off, rootType);
  if (!field || !record) return env.reject(errno.EINVAL, msg.rootNotFound(name, off >>> 0));
  if (!regAllocationLocked(env, reg)) env.reject(errno.EINVAL, msg.lockNotHeld(record.spinLockOff, name));
  call.rootField = field;
  return field;
}

/** A node that is added to, removed from, or walked in a list or tree. */
export function graphNodeArg(env: Env, reg: RegState, regno: number, call: KfuncCall, nodeType: number): void {
  const rootType = nodeType === BPF_LIST_NODE ? BPF_LIST_HEAD : BPF_RB_ROOT;
  const node = btfFieldTypeName(nodeType);
  const off = constantOffset(env, reg, regno, node);
  const root = call.rootField?.graphRoot;
  if (!findField(regBtfRecord(env, reg), off, nodeType) || !root) {
    env.reject(errno.EINVAL, msg.rootNotFound(node, off >>> 0));
  }
  const btf = reg.btf as Btf;
  const want = root.btf.name(root.valueBtfId);
  if (!btfStructIdsMatch(env, btf, reg.btfId, 0, root.btf, root.valueBtfId, true, !(reg.type & MEM_ALLOC))) {
    const have = btf.name(reg.btfId);
    env.reject(errno.EINVAL, msg.nodeTypeMismatch(btfFieldTypeName(rootType), node, root.nodeOffset, want, off, have));
  }
  call.argBtf = btf;
  call.argBtfId = reg.btfId;
  if (off !== root.nodeOffset) env.reject(errno.EINVAL, msg.nodeOffset(off, node, root.nodeOffset, want));
}

/** KF_ARG_PTR_TO_LIST_NODE */
export function listNodeArg(env: Env, reg: RegState, regno: number, call: KfuncCall): void {
  requireOwned(env, reg, regno);
  graphNodeArg(env, reg, regno, call, BPF_LIST_NODE);
}

/** KF_ARG_PTR_TO_RB_NODE: added nodes are owned; others are seen under the lock. */
export function treeNodeArg(env: Env, reg: RegState, regno: number, call: KfuncCall): void {
  const { name } = call.meta;
  if (call.meta.like === 'bpf_rbtree_add_impl') {
    requireOwned(env, reg, regno);
  } else {
    if (!typeIsNonOwningRef(reg.type) && !reg.refObjId) {
      env.reject(errno.EINVAL, msg.treeNodeUnowned(name));
    }
    if (inRbtreeLockRequiredCb(env)) env.reject(errno.EINVAL, msg.treeInCallback(name));
  }
  graphNodeArg(env, reg, regno, call, BPF_RB_NODE);
}

function requireOwned(env: Env, reg: RegState, regno: number): void {
  if (reg.type !== ALLOCATED) env.reject(errno.EINVAL, msg.allocExpected(regno - 1));
}
