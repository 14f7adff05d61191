/** R0 after a kfunc (from check_kfunc_call and check_special_kfunc). */
import type { BtfStruct, BtfType } from '../btf/btf.ts';
import {
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
} from '../kernel/bpf/bpf.ts';
import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK } from '../kernel/bpf/btf_record.ts';
import { KF_RCU_PROTECTED, KF_RET_NULL } from '../kernel/bpf/rows.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_WRITE } from './check_region.ts';
import { dynptrTypeFlag } from './dynptr.ts';
import type { Env } from './env.ts';
import { clearCallerSavedRegs } from './frames.ts';
import { markRegGraphNode, refSetNonOwning } from './graph.ts';
import { iterFromState } from './iter_args.ts';
import type { KfuncCall } from './kfunc_call.ts';
import { btfTypeStr, isScalar } from './kfunc_params.ts';
import { regBtfRecord } from './locks.ts';
import { msg } from './messages.ts';
import { mayAccessDirectPktData } from './pkt_access.ts';
import { acquireReference } from './refs.ts';
import type { RegState } from './reg_state.ts';
import { markRegUnknown } from './regs.ts';
import { isScalarStruct } from './scalar_struct.ts';

const BPF_GLOBAL_PERCPU_MA_MAX_SIZE = 512;

/** Return something other than a pointer to a struct, though they acquire it. */
const ACQUIRES_VOID: ReadonlySet<string> = new Set([
  'bpf_obj_new_impl',
  'bpf_percpu_obj_new_impl',
  'bpf_refcount_acquire_impl',
]);
const RES_LOCKS: ReadonlySet<string> = new Set(['bpf_res_spin_lock', 'bpf_res_spin_lock_irqsave']);

/** Forgets R0 to R5, and sets R0 by the return type and what the kfunc is known for. */
export function kfuncReturn(env: Env, call: KfuncCall, insnIdx: number): void {
  const regs = env.curRegs();
  const { returnType } = call.proto;
  const { like: name } = call.meta;
  clearCallerSavedRegs(env, regs);
  const r0 = regs[0] as RegState;
  const target = returnType.kind === 'ptr' ? env.vmlinux.skipMods(returnType.type) : 0;
  if (call.acquires && !isStruct(env.vmlinux.type(target)) && !ACQUIRES_VOID.has(name)) {
    env.reject(errno.EINVAL, msg.acquireNoBtfId());
  }
  if (isScalar(returnType)) {
    markRegUnknown(env, regs, 0);
    if (RES_LOCKS.has(name)) r0.markKnownZero();
    r0.subregDef = 'size' in returnType && returnType.size === 8 ? 0 : insnIdx + 1;
    return;
  }
  if (returnType.kind !== 'ptr') return;
  pointerReturn(env, call, r0, insnIdx, target);
  const mayBeNull =
    (call.meta.flags & KF_RET_NULL) !== 0 && !(name === 'bpf_refcount_acquire_impl' && call.argOwningRef);
  if (mayBeNull) {
    r0.type |= PTR_MAYBE_NULL;
    r0.id = ++env.idGen;
  }
  r0.subregDef = 0;
  if (call.acquires) {
    const id = acquireReference(env, insnIdx);
    if (mayBeNull) r0.id = id;
    r0.refObjId = id;
  } else if (GRAPH_NODES.has(env.vmlinux.name(target))) {
    refSetNonOwning(env, r0);
  }
  const locks = BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK;
  if (!r0.id && (regBtfRecord(env, r0)?.fieldMask ?? 0) & locks) r0.id = ++env.idGen;
}

const GRAPH_NODES: ReadonlySet<string> = new Set(['bpf_list_node', 'bpf_rb_node']);

function isStruct(type: BtfType): type is BtfStruct {
  return type.kind === 'struct' || type.kind === 'union';
}

function pointerReturn(env: Env, call: KfuncCall, r0: RegState, insnIdx: number, target: number): void {
  const special = SPECIAL[call.meta.like];
  if (special) {
    special(env, call, r0, insnIdx);
    return;
  }
  const { vmlinux } = env;
  const type = vmlinux.type(target);
  if (call.rootField?.graphRoot && GRAPH_NODES.has(type.name)) {
    markRegGraphNode(r0, call.rootField.graphRoot);
  } else if (type.kind === 'void') {
    markRegUnknown(env, env.curRegs(), 0);
  } else if (isStruct(type)) {
    r0.markPointer(PTR_TO_BTF_ID);
    r0.btf = vmlinux;
    r0.btfId = target;
    if (call.iterNext) r0.type |= iterFromState(env.curState, call).type & MEM_RCU ? MEM_RCU : PTR_TRUSTED;
    else if (env.has('kfuncs_return_trusted')) r0.type |= call.meta.flags & KF_RCU_PROTECTED ? MEM_RCU : PTR_TRUSTED;
  } else {
    memReturn(env, call, r0, target);
  }
}

/** A pointer to a number, or to memory whose size an argument states. */
function memReturn(env: Env, call: KfuncCall, r0: RegState, target: number): void {
  const size = env.vmlinux.size(target);
  if (!call.r0Size && size > 0) {
    call.r0Size = size;
    call.r0Rdonly = true;
  }
  if (!call.r0Size) {
    const type = env.vmlinux.type(target);
    env.reject(errno.EINVAL, msg.returnUnsupported(call.meta.name, btfTypeStr(type), type.name));
  }
  r0.markPointer(call.r0Rdonly ? PTR_TO_MEM | MEM_RDONLY : PTR_TO_MEM);
  r0.memSize = call.r0Size;
  if (call.refObjId) r0.refObjId = call.refObjId;
}

type Special = (env: Env, call: KfuncCall, r0: RegState, insnIdx: number) => void;

/** Kfuncs whose result depends on more than their prototype. */
const SPECIAL: Readonly<Record<string, Special>> = {
  bpf_obj_new_impl: (env, call, r0, insnIdx) => objNew(env, call, r0, insnIdx, false),
  bpf_percpu_obj_new_impl: (env, call, r0, insnIdx) => objNew(env, call, r0, insnIdx, true),
  bpf_refcount_acquire_impl: (_env, call, r0) => {
    r0.markPointer(PTR_TO_BTF_ID | MEM_ALLOC);
    r0.btf = call.argBtf;
    r0.btfId = call.argBtfId;
  },
  bpf_cast_to_kern_ctx: (env, call, r0) => {
    r0.markPointer(PTR_TO_BTF_ID | PTR_TRUSTED);
    r0.btf = env.vmlinux;
    r0.btfId = call.retBtfId;
  },
  bpf_rdonly_cast: rdonlyCast,
  bpf_dynptr_slice: (env, call, r0) => slice(env, call, r0, MEM_RDONLY),
  bpf_dynptr_slice_rdwr: (env, call, r0) => {
    if (!mayAccessDirectPktData(env, BPF_WRITE)) env.reject(errno.EINVAL, msg.noPacketWrites());
    slice(env, call, r0, 0);
  },
};

function objNew(env: Env, call: KfuncCall, r0: RegState, insnIdx: number, percpu: boolean): void {
  const constant = call.constant ?? 0n;
  if (constant > 0xffffffffn) env.reject(errno.EINVAL, msg.localTypeRange());
  const id = Number(constant);
  const { btf } = env;
  if (!btf) env.reject(errno.EINVAL, msg.objNewNoBtf());
  const type = id < btf.nrTypes ? btf.type(id) : null;
  if (type?.kind !== 'struct') env.reject(errno.EINVAL, msg.objNewNotStruct());
  if (percpu) {
    const max = BPF_GLOBAL_PERCPU_MA_MAX_SIZE;
    if (type.size > max) env.reject(errno.EINVAL, msg.percpuTooBig(type.size, max));
    if (!isScalarStruct(env, btf, id)) env.reject(errno.EINVAL, msg.percpuNotScalar());
    if (env.structMetas.get(id)) env.reject(errno.EINVAL, msg.percpuSpecial());
  }
  r0.markPointer(PTR_TO_BTF_ID | MEM_ALLOC | (percpu ? MEM_PERCPU : 0));
  r0.btf = btf;
  r0.btfId = id;
  const aux = env.aux.of(insnIdx);
  aux.objNewSize = type.size;
  aux.kptrStructId = id;
}

function rdonlyCast(env: Env, call: KfuncCall, r0: RegState): void {
  const constant = call.constant ?? 0n;
  const { vmlinux } = env;
  const toVoid = env.has('rdonly_cast_to_void');
  if (constant >= BigInt(vmlinux.nrTypes)) {
    env.reject(errno.EINVAL, toVoid ? msg.castUnknown(constant) : msg.castNotStructOld());
  }
  const id = Number(constant);
  const type = vmlinux.type(id);
  if (isStruct(type)) {
    r0.markPointer(PTR_TO_BTF_ID | PTR_UNTRUSTED);
    r0.btf = vmlinux;
    r0.btfId = id;
  } else if (type.kind === 'void' && toVoid) {
    r0.markPointer(PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED);
  } else {
    env.reject(errno.EINVAL, toVoid ? msg.castNotStruct() : msg.castNotStructOld());
  }
}

function slice(_env: Env, call: KfuncCall, r0: RegState, flag: number): void {
  r0.markPointer(PTR_TO_MEM | dynptrTypeFlag(call.dynptrType) | flag);
  r0.memSize = Number(BigInt.asUintN(32, call.constant ?? 0n));
  r0.dynptrId = call.dynptrId;
}
