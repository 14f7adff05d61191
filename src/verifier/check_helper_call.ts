/** Calls of helpers (check_helper_call). */
import {
  ARG_PTR_TO_DYNPTR,
  baseType,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  PTR_TO_MAP_VALUE,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { type FuncProto, getFuncProto, helperById } from '../kernel/bpf/helpers/index.ts';
import { BPF_F_RDONLY_PROG, progTypes } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_B } from '../uapi/insn.ts';
import { markChainPrecision } from './backtrack.ts';
import { helperChangesPktData } from './call_info.ts';
import { CallMeta } from './call_meta.ts';
import {
  setFindVmaCallbackState,
  setLoopCallbackState,
  setMapElemCallbackState,
  setTimerCallbackState,
  setUserRingbufCallbackState,
} from './callbacks.ts';
import { checkFuncArg } from './check_func_arg.ts';
import { checkMemAccess } from './check_mem.ts';
import { clearAllPktPointers } from './check_pkt.ts';
import { BPF_WRITE } from './check_region.ts';
import { checkSnprintfCall } from './const_str.ts';
import { inRcuCs, nonSleepableContext } from './context.ts';
import { dynptrState, unmarkStackSlotsDynptr } from './dynptr.ts';
import type { Env, Insn } from './env.ts';
import { forkAbnormalReturn, pushCallbackCall } from './frames.ts';
import { helperReturn } from './helper_return.ts';
import { gplCompatible } from './kfunc_meta.ts';
import { BPF_LOG_LEVEL2 } from './log_buffer.ts';
import { checkMapFuncCompatibility } from './map_func_compat.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import { checkResourceLeak, markRegInvalid, releaseReference, releaseReferenceNomark } from './refs.ts';
import { BPF_DYNPTR_TYPE_SKB, BPF_DYNPTR_TYPE_SKB_META, type RegState } from './reg_state.ts';
import { regTypeStr } from './reg_type_str.ts';
import { markRegUnknown, registerIsNull } from './regs.ts';
import { forEachReg } from './verifier_state.ts';

/** Helpers whose map the engines want to know (record_func_map). */
const RECORDS_MAP: ReadonlySet<string> = new Set([
  'tail_call',
  'map_lookup_elem',
  'map_update_elem',
  'map_delete_elem',
  'map_push_elem',
  'map_pop_elem',
  'map_peek_elem',
  'for_each_map_elem',
  'redirect_map',
  'map_lookup_percpu_elem',
]);
const WRITES_MAP: ReadonlySet<string> = new Set([
  'map_delete_elem',
  'map_update_elem',
  'map_push_elem',
  'map_pop_elem',
]);

/** What the rest of the call needs besides CallMeta. */
export interface HelperCall {
  readonly env: Env;
  readonly insn: Insn;
  readonly insnIdx: number;
  readonly proto: FuncProto;
  readonly meta: CallMeta;
  changesData: boolean;
  /** bpf_per_cpu_ptr of an allocated object. */
  percpuAlloc: boolean;
}

/** Checks the call at env.insnIdx and leaves the state after it. */
export function checkHelperCall(env: Env, insn: Insn): void {
  const id = insn.imm;
  const row = helperById(id);
  if (!row) env.reject(errno.EINVAL, msg.invalidFunc('unknown', id));
  const proto = getFuncProto(row, env.helperQuery());
  if (!proto) env.reject(errno.EINVAL, msg.helperNotForType(row.name, id));
  if (proto.gplOnly && !gplCompatible(env.prog.license)) env.reject(errno.EINVAL, msg.helperNeedsGpl());
  if (proto.allowed && !proto.allowed(env.helperQuery())) env.reject(errno.EINVAL, msg.helperNotAllowed());
  checkSleep(env, proto, row.name, id);
  const meta = new CallMeta();
  meta.pktAccess = proto.pktAccess;
  meta.funcId = id;
  meta.funcName = row.name.slice('bpf_'.length);
  const insnIdx = env.insnIdx;
  for (let arg = 0; arg < proto.args.length; arg++) checkFuncArg(env, arg, meta, proto, insnIdx);
  recordMap(env, meta, insnIdx);
  if (meta.funcName === 'tail_call') recordKey(env, meta, insnIdx);
  for (let i = 0; i < meta.accessSize; i++) {
    checkMemAccess(env, insnIdx, meta.regno, i, BPF_B, BPF_WRITE, -1, false, false);
  }
  const call: HelperCall = {
    env,
    insn,
    insnIdx,
    proto,
    meta,
    changesData: helperChangesPktData(id),
    percpuAlloc: false,
  };
  if (meta.releaseRegno) releaseArg(call);
  SPECIAL[meta.funcName]?.(call);
  helperReturn(call);
  if (meta.map) checkMapFuncCompatibility(env, meta.map, meta.funcName, id);
  if (meta.funcName === 'get_func_ip') checkGetFuncIp(env, id);
  if (meta.funcName === 'tail_call') leaveByTailCall(env);
  else if (call.changesData) clearAllPktPointers(env);
}

/** A tail call that succeeds ends the function; the program called may have changed the packet. */
function leaveByTailCall(env: Env): void {
  forkAbnormalReturn(env, (regs) => {
    clearAllPktPointers(env);
    markRegUnknown(env, regs, 0);
  });
}

function checkSleep(env: Env, proto: FuncProto, name: string, id: number): void {
  if (!proto.mightSleep) return;
  if (!env.curState.inSleepable && !env.has('sleep_context_named')) env.reject(errno.EINVAL, msg.helperMightSleep());
  const where = nonSleepableContext(env);
  if (where) env.reject(errno.EINVAL, msg.helperSleepsIn(name, id, where));
}

/** record_func_map */
function recordMap(env: Env, meta: CallMeta, insnIdx: number): void {
  const { map } = meta;
  if (!map || !RECORDS_MAP.has(meta.funcName)) return;
  if (map.flags & BPF_F_RDONLY_PROG && WRITES_MAP.has(meta.funcName)) {
    env.reject(errno.EACCES, msg.mapWriteByHelper());
  }
  const aux = env.aux.of(insnIdx);
  if (aux.mapPtr === null) aux.mapPtr = map;
  else if (aux.mapPtr !== map) aux.mapPtr = 'poison';
}

/** record_func_key: the index of a tail call, where it is the same on all paths. */
function recordKey(env: Env, meta: CallMeta, insnIdx: number): void {
  const aux = env.aux.of(insnIdx);
  if (meta.map?.type !== 'prog_array') {
    // The kernel's message ends without a newline.
    env.verbose(msg.tailCallMap());
    env.reject(errno.EINVAL);
  }
  const { type, val } = env.curRegs()[3] as RegState;
  const index = range.valueF(val);
  if (type !== SCALAR_VALUE || !range.isConst(val) || !meta.map || index >= meta.map.maxEntries) {
    aux.mapKey = 'poison';
    return;
  }
  markChainPrecision(env, 3);
  if (aux.mapKey === null) aux.mapKey = BigInt(index);
  else if (aux.mapKey !== BigInt(index)) aux.mapKey = 'poison';
}

/** The reference or dynptr that the call gives away. */
function releaseArg({ env, meta, proto, insn }: HelperCall): void {
  const reg = env.curRegs()[meta.releaseRegno] as RegState;
  let released: boolean;
  if (baseType(proto.args[meta.releaseRegno - 1] ?? 0) === ARG_PTR_TO_DYNPTR) {
    unmarkStackSlotsDynptr(env, reg);
    released = true;
  } else if (meta.funcName === 'kptr_xchg' && meta.refObjId) {
    released = releaseExchanged(env, meta.refObjId);
  } else if (meta.refObjId) {
    released = releaseReference(env, meta.refObjId);
  } else {
    released = registerIsNull(reg);
  }
  if (!released) env.reject(errno.EINVAL, msg.helperNotAcquired(`bpf_${meta.funcName}`, insn.imm));
}

/** bpf_kptr_xchg: a per-CPU object in a map stays readable in an RCU section. */
function releaseExchanged(env: Env, id: number): boolean {
  const inRcu = inRcuCs(env);
  if (!releaseReferenceNomark(env, id)) return false;
  forEachReg(env.curState, (reg) => {
    if (reg.refObjId !== id) return;
    if (inRcu && reg.type & MEM_ALLOC && reg.type & MEM_PERCPU) {
      reg.refObjId = 0;
      reg.type = (reg.type & ~MEM_ALLOC) | MEM_RCU;
    } else {
      markRegInvalid(env, reg);
    }
  });
  return true;
}

/** What some helpers do besides, by name. */
const SPECIAL: Readonly<Record<string, (call: HelperCall) => void>> = {
  tail_call: ({ env }) => checkResourceLeak(env, false, true, 'tail_call'),
  get_local_storage: ({ env }) => {
    if (!registerIsNull(env.curRegs()[2] as RegState)) env.reject(errno.EINVAL, msg.localStorageFlags());
    markChainPrecision(env, 2);
  },
  for_each_map_elem: ({ env, insn, insnIdx, meta }) =>
    pushCallbackCall(env, insn, insnIdx, meta.subprogno, setMapElemCallbackState),
  timer_set_callback: ({ env, insn, insnIdx, meta }) =>
    pushCallbackCall(env, insn, insnIdx, meta.subprogno, setTimerCallbackState),
  find_vma: ({ env, insn, insnIdx, meta }) =>
    pushCallbackCall(env, insn, insnIdx, meta.subprogno, setFindVmaCallbackState),
  user_ringbuf_drain: ({ env, insn, insnIdx, meta }) =>
    pushCallbackCall(env, insn, insnIdx, meta.subprogno, setUserRingbufCallbackState),
  snprintf: ({ env }) => checkSnprintfCall(env),
  loop: ({ env, insn, insnIdx, meta }) => {
    updateLoopInline(env, insnIdx, meta.subprogno);
    markChainPrecision(env, 1);
    const frame = env.curFunc();
    if (frame.callbackDepth < range.umaxF(frame.reg(1).val)) {
      pushCallbackCall(env, insn, insnIdx, meta.subprogno, setLoopCallbackState);
    } else {
      frame.callbackDepth = 0;
      if (env.log.level & BPF_LOG_LEVEL2) env.verbose(`${msg.loopLimit(env.curState.curframe)}\n`);
    }
  },
  dynptr_from_mem: ({ env }) => {
    const { type } = env.curRegs()[1] as RegState;
    if (type !== PTR_TO_MAP_VALUE) env.reject(errno.EACCES, msg.dynptrFromMemType(regTypeStr(type)));
  },
  set_retval: ({ env }) => {
    if (env.prog.type !== 'lsm' || env.prog.attachType !== 'lsm_cgroup') return;
    const proto = env.vmlinux.type(env.attachFuncProtoId);
    if (proto.kind === 'func_proto' && proto.type === 0) env.reject(errno.EINVAL, msg.lsmVoidRetval());
  },
  dynptr_data: ({ env, meta, proto }) => {
    const state = dynptrArg(env, proto);
    meta.dynptrId = state?.id ?? 0;
    meta.refObjId = state?.refObjId ?? 0;
  },
  dynptr_write: (call) => {
    const type = dynptrArg(call.env, call.proto)?.dynptrType;
    if (type === BPF_DYNPTR_TYPE_SKB || type === BPF_DYNPTR_TYPE_SKB_META) call.changesData = true;
  },
  per_cpu_ptr: percpuPtr,
  this_cpu_ptr: percpuPtr,
};

function dynptrArg(env: Env, proto: FuncProto): RegState | null {
  const arg = proto.args.findIndex((type) => baseType(type) === ARG_PTR_TO_DYNPTR);
  return dynptrState(env, env.curRegs()[arg + 1] as RegState);
}

function percpuPtr(call: HelperCall): void {
  const reg = call.env.curRegs()[1] as RegState;
  if (reg.type & MEM_RCU) call.percpuAlloc = true;
}

/** update_loop_inline_state: one callback, without flags, can be called without the helper. */
function updateLoopInline(env: Env, insnIdx: number, subprogno: number): void {
  const aux = env.aux.of(insnIdx);
  const flagsAreZero = (): boolean => {
    const zero = registerIsNull(env.curRegs()[4] as RegState);
    if (zero) markChainPrecision(env, 4);
    return zero;
  };
  if (!aux.loopInline) {
    aux.loopInline = { fit: flagsAreZero(), callbackSubprogno: subprogno };
  } else if (aux.loopInline.fit) {
    aux.loopInline.fit = flagsAreZero() && aux.loopInline.callbackSubprogno === subprogno;
  }
}

const TRAMPOLINE: ReadonlySet<string> = new Set(['trace_fentry', 'trace_fexit', 'modify_return']);

/** check_get_func_ip */
function checkGetFuncIp(env: Env, id: number): void {
  const { type, attachType } = env.prog;
  if (type === 'tracing') {
    if (!TRAMPOLINE.has(attachType ?? '')) env.reject(errno.ENOTSUPP, msg.funcIpTrampoline('bpf_get_func_ip', id));
  } else if (type !== 'kprobe') {
    env.reject(errno.ENOTSUPP, msg.funcIpType('bpf_get_func_ip', id, progTypes.indexOf(type)));
  }
}
