/** Arguments of a kfunc (check_kfunc_args): what each is by its BTF type and name, and whether the register fits. */
import type { BtfStruct } from '../btf/btf.ts';
import {
  ARG_DONTCARE,
  ARG_PTR_TO_DYNPTR,
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_SKB_META,
  DYNPTR_TYPE_XDP,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RDONLY,
  MEM_UNINIT,
  OBJ_RELEASE,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_FUNC,
  PTR_TO_MAP_VALUE,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TRUSTED,
  SCALAR_VALUE,
  typeFlag,
} from '../kernel/bpf/bpf.ts';
import { BPF_LIST_HEAD, BPF_RB_ROOT } from '../kernel/bpf/btf_record.ts';
import { errno } from '../uapi/errno.ts';
import { markChainPrecision } from './backtrack.ts';
import { btfStructIdsMatch } from './btf_walk.ts';
import { isTrustedReg } from './check_btf_access.ts';
import { checkFuncArgRegOff } from './check_reg_type.ts';
import { checkRegConstStr } from './const_str.ts';
import { isProgCtxType, isProjectionOf, kernCtxBtfId } from './ctx_type.ts';
import { dynptrState, dynptrTypeFlag } from './dynptr.ts';
import { processDynptrFunc } from './dynptr_args.ts';
import type { Env } from './env.ts';
import { checkKfuncMemSizeReg, checkMemReg } from './helper_mem.ts';
import { IRQ_LOCK_KFUNC, IRQ_NATIVE_KFUNC, processIrqFlag } from './irq_slots.ts';
import { processIterArg } from './iter_args.ts';
import type { KfuncCall } from './kfunc_call.ts';
import { graphRootArg, listNodeArg, treeNodeArg } from './kfunc_graph_args.ts';
import { btfTypeStr, isScalar, type KfuncParam } from './kfunc_params.ts';
import { processSpinLock, regBtfRecord } from './locks.ts';
import { processTaskWorkFunc, processWqFunc } from './map_fields.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { regTypeStr } from './reg_type_str.ts';
import { isRcuReg, registerIsNull, typeHasUnsafeModifiers, typeIsNonOwningRef, typeIsPtrAllocObj } from './regs.ts';
import { isScalarStruct } from './scalar_struct.ts';

const MAX_BPF_FUNC_REG_ARGS = 5;
const ALLOCATED = PTR_TO_BTF_ID | MEM_ALLOC;
const BPF_REG_TRUSTED_MODIFIERS = MEM_ALLOC | PTR_TRUSTED;

/** Register types that stand for a kernel struct (reg2btf_ids). */
const REG2BTF: Readonly<Record<number, string>> = {
  [PTR_TO_SOCKET]: 'sock',
  [PTR_TO_SOCK_COMMON]: 'sock_common',
  [PTR_TO_TCP_SOCK]: 'tcp_sock',
  [CONST_PTR_TO_MAP]: 'bpf_map',
};

type ArgKind =
  | 'ctx'
  | 'null'
  | 'alloc'
  | 'refcounted'
  | 'dynptr'
  | 'iter'
  | 'listHead'
  | 'listNode'
  | 'rbRoot'
  | 'rbNode'
  | 'str'
  | 'map'
  | 'wq'
  | 'taskWork'
  | 'irqFlag'
  | 'resSpinLock'
  | 'btfId'
  | 'callback'
  | 'mem'
  | 'memSize';

/** One argument while it is checked. */
interface Arg {
  readonly env: Env;
  readonly call: KfuncCall;
  readonly param: KfuncParam;
  /** Argument number from 0. */
  readonly index: number;
  readonly regno: number;
  readonly reg: RegState;
  readonly insnIdx: number;
}

/** Checks all arguments; what they say of the call goes into `call`. */
export function checkKfuncArgs(env: Env, call: KfuncCall, insnIdx: number): void {
  const { params } = call.proto;
  const { name } = call.meta;
  if (params.length > MAX_BPF_FUNC_REG_ARGS) {
    env.reject(errno.EINVAL, msg.kfuncManyArgs(name, params.length, MAX_BPF_FUNC_REG_ARGS));
  }
  for (let index = 0; index < params.length; index++) {
    const param = params[index] as KfuncParam;
    const regno = index + 1;
    const reg = env.curRegs()[regno] as RegState;
    if (param.suffix === 'prog' || param.suffix === 'ign') continue;
    const arg: Arg = { env, call, param, index, regno, reg, insnIdx };
    if (param.kind === 'scalar') {
      scalarArg(arg);
      continue;
    }
    if (param.kind !== 'ptr') env.reject(errno.EINVAL, msg.argTypeUnknown(index, kindOf(arg, param.typeId)));
    if (pointerArg(arg) === 'memSize') index++;
  }
  if (call.releases && !call.releaseRegno) env.reject(errno.EINVAL, msg.releaseWithoutRef(name));
}

function kindOf({ env }: Arg, id: number): string {
  return btfTypeStr(env.vmlinux.type(id));
}

function scalarArg({ env, call, param, reg, regno }: Arg): void {
  if (reg.type !== SCALAR_VALUE) env.reject(errno.EINVAL, msg.notScalar(regno));
  if (param.suffix === 'k') {
    if (call.constant !== null) env.reject(errno.EFAULT, msg.oneConstant());
    if (!range.isConst(reg.val)) env.reject(errno.EINVAL, msg.notConstant(regno));
    markChainPrecision(env, regno);
    call.constant = BigInt.asUintN(64, range.value(reg.val));
    return;
  }
  if (param.name !== 'rdonly_buf_size' && param.name !== 'rdwr_buf_size') return;
  if (param.name === 'rdonly_buf_size') call.r0Rdonly = true;
  if (call.r0Size) env.reject(errno.EINVAL, msg.retBufTwice());
  if (!range.isConst(reg.val)) env.reject(errno.EINVAL, msg.retBufNotConst(regno));
  call.r0Size = range.umaxF(reg.val);
  if (call.r0Size > 0xffffffff) env.reject(errno.EINVAL, msg.retBufTooBig(regno));
  markChainPrecision(env, regno);
}

function pointerArg(arg: Arg): ArgKind {
  const { env, call, param, index, regno, reg } = arg;
  const { name } = call.meta;
  const mayBeNull = registerIsNull(reg) || (reg.type & PTR_MAYBE_NULL) !== 0;
  const refusesNull = call.trustedArgs || call.rcu;
  if (mayBeNull && refusesNull && param.suffix !== 'nullable' && param.suffix !== 'opt') {
    env.reject(errno.EACCES, msg.trustedNull(index));
  }
  if (call.releases && index === 0 && !reg.refObjId && env.has('release_wants_reference')) {
    env.reject(errno.EINVAL, msg.releaseUnreferenced(name, regno));
  }
  if (reg.refObjId) {
    if (call.releases && call.refObjId) env.reject(errno.EFAULT, msg.manyRefs(regno, reg.refObjId, call.refObjId));
    call.refObjId = reg.refObjId;
    if (call.releases) call.releaseRegno = regno;
  }
  const kind = argKind(arg);
  if (kind === 'null') return kind;
  if (kind === 'map') mapPointer(arg);
  if (kind === 'map' || kind === 'alloc' || kind === 'btfId') requireTrust(arg);
  const unmoved = kind === 'btfId' && (call.trustedArgs || call.rcu) && !env.has('trusted_args_with_offset');
  checkFuncArgRegOff(env, reg, regno, unmoved || (call.releases && reg.refObjId) ? OBJ_RELEASE : ARG_DONTCARE);
  HANDLERS[kind](arg);
  return kind;
}

/** get_kfunc_ptr_arg_type */
function argKind(arg: Arg): ArgKind {
  const { env, call, param, index, reg } = arg;
  const { suffix } = param;
  if (call.meta.name === 'bpf_cast_to_kern_ctx') return 'ctx';
  if (isProgCtxType(env, env.vmlinux, param.target, env.progType)) return 'ctx';
  if (suffix === 'nullable' && registerIsNull(reg)) return 'null';
  if (suffix === 'alloc') return 'alloc';
  if (suffix === 'refcounted_kptr') return 'refcounted';
  if (param.special === 'bpf_dynptr') return 'dynptr';
  if (call.isIter ? index === 0 : suffix === 'iter') return 'iter';
  if (param.special === 'bpf_list_head') return 'listHead';
  if (param.special === 'bpf_list_node') return 'listNode';
  if (param.special === 'bpf_rb_root') return 'rbRoot';
  if (param.special === 'bpf_rb_node') return 'rbNode';
  if (suffix === 'str') return 'str';
  if (suffix === 'map') return 'map';
  if (param.special === 'bpf_wq') return 'wq';
  if (param.special === 'bpf_task_work') return 'taskWork';
  if (suffix === 'irq_flag') return 'irqFlag';
  if (param.special === 'bpf_res_spin_lock') return 'resSpinLock';
  const ref = env.vmlinux.type(param.refId);
  const isStruct = ref.kind === 'struct' || ref.kind === 'union';
  if (baseType(reg.type) === PTR_TO_BTF_ID || REG2BTF[baseType(reg.type)]) {
    if (isStruct) return 'btfId';
    if (!env.has('memory_arguments_by_prototype')) {
      env.reject(errno.EINVAL, msg.kfuncTypeUnsupported(call.meta.name, index, btfTypeStr(ref), ref.name));
    }
  }
  if (param.isCallback) return 'callback';
  const memSize = hasSize(arg);
  if (!isScalar(ref) && !isScalarStruct(env, env.vmlinux, param.refId) && !(memSize && ref.kind === 'void')) {
    env.reject(errno.EINVAL, msg.mustPointToScalar(index, btfTypeStr(ref), ref.name, memSize ? 'void, ' : ''));
  }
  return memSize ? 'memSize' : 'mem';
}

/** The next argument is the size of this one. */
function hasSize({ env, call, index, regno }: Arg): boolean {
  const next = call.proto.params[index + 1];
  if (next?.kind !== 'scalar' || (next.suffix !== 'sz' && next.suffix !== 'szk')) return false;
  return (env.curRegs()[regno + 1] as RegState).type === SCALAR_VALUE;
}

function mapPointer({ env, call, reg, regno }: Arg): void {
  const { map } = reg;
  if (!map) {
    // The kernel sees a map pointer where another kind of register keeps something of its own.
    if (!reg.btf && !reg.memSize && !reg.pktRange && !reg.subprogno) env.reject(errno.EINVAL, msg.notMapPointer(regno));
    return;
  }
  if (call.map && (call.map !== map || call.mapUid !== reg.mapUid)) {
    if ((map.record?.wqOff ?? -1) >= 0) env.reject(errno.EINVAL, msg.wqMapMismatch(call.mapUid, reg.mapUid));
    if ((map.record?.taskWorkOff ?? -1) >= 0) {
      env.reject(errno.EINVAL, msg.taskWorkMapMismatch(call.mapUid, reg.mapUid));
    }
  }
  call.map = map;
  call.mapUid = reg.mapUid;
}

function requireTrust({ env, call, reg, regno }: Arg): void {
  if ((!call.trustedArgs && !call.rcu) || isTrustedReg(reg)) return;
  if (!call.rcu) env.reject(errno.EINVAL, msg.notTrusted(regno));
  if (!isRcuReg(reg)) env.reject(errno.EINVAL, msg.notRcu(regno));
}

const CSS_TASK_TYPES: ReadonlySet<string> = new Set(['lsm']);

const DYNPTR_MAKERS: Readonly<Record<string, number>> = {
  bpf_dynptr_from_skb: DYNPTR_TYPE_SKB,
  bpf_dynptr_from_xdp: DYNPTR_TYPE_XDP,
  bpf_dynptr_from_skb_meta: DYNPTR_TYPE_SKB_META,
};

const HANDLERS: Readonly<Record<ArgKind, (arg: Arg) => void>> = {
  ctx: ({ env, call, reg, index }) => {
    if (reg.type !== PTR_TO_CTX) env.reject(errno.EINVAL, msg.ctxExpected(index, regTypeStr(reg.type)));
    if (call.meta.name === 'bpf_cast_to_kern_ctx') call.retBtfId = kernCtxBtfId(env);
  },
  null: () => undefined,
  alloc: ({ env, call, reg, index }) => {
    const { like: name } = call.meta;
    if (reg.type === ALLOCATED) {
      if (name !== 'bpf_obj_drop_impl') env.reject(errno.EINVAL, msg.expectedFor(index, 'bpf_obj_drop_impl'));
    } else if (reg.type === (ALLOCATED | MEM_PERCPU)) {
      const percpu = 'bpf_percpu_obj_drop_impl';
      if (name !== percpu) env.reject(errno.EINVAL, msg.expectedFor(index, percpu));
    } else {
      env.reject(errno.EINVAL, msg.allocExpected(index));
    }
    call.argBtf = reg.btf;
    call.argBtfId = reg.btfId;
  },
  refcounted: ({ env, call, reg, index }) => {
    if (!typeIsPtrAllocObj(reg.type)) env.reject(errno.EINVAL, msg.refcountNoRef(index));
    if (!typeIsNonOwningRef(reg.type) && reg.refObjId) call.argOwningRef = true;
    const record = regBtfRecord(env, reg);
    if (!record) return env.reject(errno.EFAULT, msg.recordMissing());
    if (record.refcountOff < 0) env.reject(errno.EINVAL, msg.refcountNoField(index));
    call.argBtf = reg.btf;
    call.argBtfId = reg.btfId;
  },
  dynptr: dynptrArg,
  iter: ({ env, call, regno, insnIdx }) => {
    if (call.meta.name === 'bpf_iter_css_task_new' && !cssTaskIterAllowed(env)) {
      env.reject(errno.EINVAL, msg.cssTaskIter());
    }
    processIterArg(env, regno, insnIdx, call);
  },
  listHead: ({ env, call, reg, regno }) => graphRootArg(env, reg, regno, call, BPF_LIST_HEAD),
  listNode: ({ env, call, reg, regno }) => listNodeArg(env, reg, regno, call),
  rbRoot: ({ env, call, reg, regno }) => graphRootArg(env, reg, regno, call, BPF_RB_ROOT),
  rbNode: ({ env, call, reg, regno }) => treeNodeArg(env, reg, regno, call),
  str: ({ env, reg, regno, index }) => {
    if (reg.type !== PTR_TO_MAP_VALUE) env.reject(errno.EINVAL, msg.notConstStr(index));
    checkRegConstStr(env, reg, regno);
  },
  map: (arg) => btfIdArg(arg, arg.env.vmlinux.find('bpf_map', 'struct')),
  wq: (arg) => mapFieldArg(arg, processWqFunc),
  taskWork: (arg) => mapFieldArg(arg, processTaskWorkFunc),
  irqFlag: ({ env, call, reg, regno, index }) => {
    if (reg.type !== PTR_TO_STACK) env.reject(errno.EINVAL, msg.notIrqFlag(index));
    const { name } = call.meta;
    const save = name === 'bpf_local_irq_save' || name === 'bpf_res_spin_lock_irqsave';
    processIrqFlag(env, regno, save, name.startsWith('bpf_res') ? IRQ_LOCK_KFUNC : IRQ_NATIVE_KFUNC);
  },
  resSpinLock: ({ env, call, reg, regno, index }) => {
    if (reg.type !== PTR_TO_MAP_VALUE && reg.type !== ALLOCATED) {
      env.reject(errno.EINVAL, msg.notMapValueOrAlloc(index));
    }
    const { name } = call.meta;
    processSpinLock(env, regno, name.startsWith('bpf_res_spin_lock'), true, name.includes('irq'));
  },
  btfId: (arg) => btfIdArg(arg, arg.param.refId),
  callback: ({ env, call, reg, index }) => {
    if (reg.type !== PTR_TO_FUNC) env.reject(errno.EINVAL, msg.funcExpected(index));
    call.subprogno = reg.subprogno;
  },
  mem: ({ env, param, reg, regno, index }) => {
    const size = env.vmlinux.size(param.refId);
    if (size < 0) {
      const ref = env.vmlinux.type(param.refId);
      env.reject(errno.EINVAL, msg.argSizeUnknown(index, btfTypeStr(ref), ref.name, -errno.EINVAL));
    }
    checkMemReg(env, reg, regno, size);
  },
  memSize: ({ env, call, param, reg, regno, index }) => {
    if (!registerIsNull(reg) || param.suffix !== 'opt') checkKfuncMemSizeReg(env, regno + 1, index);
    if (call.proto.params[index + 1]?.suffix !== 'szk') return;
    const size = env.curRegs()[regno + 1] as RegState;
    if (call.constant !== null) env.reject(errno.EFAULT, msg.oneConstant());
    if (!range.isConst(size.val)) env.reject(errno.EINVAL, msg.notConstant(regno + 1));
    call.constant = BigInt.asUintN(64, range.value(size.val));
  },
};

function mapFieldArg(arg: Arg, check: typeof processWqFunc): void {
  const { env, call, reg, regno, index } = arg;
  if (reg.type !== PTR_TO_MAP_VALUE) env.reject(errno.EINVAL, msg.notMapValue(index));
  const { map, uid } = check(env, regno);
  call.map = map;
  call.mapUid = uid;
}

function dynptrArg({ env, call, param, reg, regno, insnIdx }: Arg): void {
  let type = ARG_PTR_TO_DYNPTR;
  let cloneRefObjId = 0;
  if (reg.type === CONST_PTR_TO_DYNPTR) type |= MEM_RDONLY;
  const uninit = param.suffix === 'uninit';
  if (uninit) type |= MEM_UNINIT;
  const made = DYNPTR_MAKERS[call.meta.name];
  if (made) {
    type |= made;
  } else if (uninit && call.meta.name === 'bpf_dynptr_clone') {
    type |= dynptrTypeFlag(call.dynptrType);
    cloneRefObjId = call.dynptrRefObjId;
  }
  processDynptrFunc(env, regno, insnIdx, type, cloneRefObjId);
  if (uninit) return;
  const state = dynptrState(env, reg);
  call.dynptrId = state?.id ?? 0;
  call.dynptrType = state?.dynptrType ?? 0;
  call.dynptrRefObjId = state?.refObjId ?? 0;
}

/** check_css_task_iter_allowlist */
function cssTaskIterAllowed(env: Env): boolean {
  const { type, attachType } = env.prog;
  if (CSS_TASK_TYPES.has(type) || (type === 'tracing' && attachType === 'trace_iter')) return true;
  return env.curState.inSleepable;
}

/** KF_ARG_PTR_TO_BTF_ID: a pointer to the struct, or to one that starts with it (process_kf_arg_ptr_to_btf_id). */
function btfIdArg({ env, call, reg, regno, index }: Arg, refId: number): void {
  const base = baseType(reg.type);
  const standIn = REG2BTF[base];
  const unsafe = typeHasUnsafeModifiers(reg.type) && !isRcuReg(reg);
  if ((base !== PTR_TO_BTF_ID || unsafe) && !standIn) {
    const expected = regTypeStr(base | (typeFlag(reg.type) & BPF_REG_TRUSTED_MODIFIERS));
    env.reject(errno.EINVAL, msg.argIsExpected(index, regTypeStr(reg.type), expected));
  }
  const { vmlinux } = env;
  const btf = (base === PTR_TO_BTF_ID ? reg.btf : null) ?? vmlinux;
  const id = btf.skipMods(base === PTR_TO_BTF_ID ? reg.btfId : vmlinux.find(standIn ?? '', 'struct'));
  const have = btf.type(id) as BtfStruct;
  const want = vmlinux.type(refId) as BtfStruct;
  const strict = (call.releases && reg.refObjId !== 0) || isNocastAlias(have.name, want.name);
  const flex = !(reg.type & MEM_ALLOC);
  const same = btfStructIdsMatch(env, btf, id, reg.off, vmlinux, refId, strict, flex);
  if (same || isProjectionOf(want.name, have.name)) return;
  env.reject(
    errno.EINVAL,
    msg.pointerMismatch(
      call.meta.name,
      index,
      `${btfTypeStr(want)} ${want.name}`,
      regno,
      `${btfTypeStr(have)} ${have.name}`,
    ),
  );
}

const NOCAST = '___init';

/** btf_type_ids_nocast_alias: X and X___init are not to be mixed up. */
function isNocastAlias(have: string, want: string): boolean {
  return have === `${want}${NOCAST}` || want === `${have}${NOCAST}`;
}
