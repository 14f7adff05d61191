/** Does a register hold what a helper's argument wants (check_reg_type, check_func_arg_reg_off)? */
import type { Btf } from '../btf/btf.ts';
import { InvariantError } from '../errors.ts';
import {
  ARG_CONST_ALLOC_SIZE_OR_ZERO,
  ARG_CONST_MAP_PTR,
  ARG_CONST_SIZE,
  ARG_CONST_SIZE_OR_ZERO,
  ARG_KPTR_XCHG_DEST,
  ARG_PTR_TO_BTF_ID,
  ARG_PTR_TO_BTF_ID_SOCK_COMMON,
  ARG_PTR_TO_CONST_STR,
  ARG_PTR_TO_CTX,
  ARG_PTR_TO_DYNPTR,
  ARG_PTR_TO_FUNC,
  ARG_PTR_TO_MAP_KEY,
  ARG_PTR_TO_MAP_VALUE,
  ARG_PTR_TO_MEM,
  ARG_PTR_TO_PERCPU_BTF_ID,
  ARG_PTR_TO_RINGBUF_MEM,
  ARG_PTR_TO_SOCK_COMMON,
  ARG_PTR_TO_SOCKET,
  ARG_PTR_TO_SPIN_LOCK,
  ARG_PTR_TO_STACK,
  ARG_PTR_TO_TIMER,
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  DYNPTR_TYPE_FLAG_MASK,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  MEM_RINGBUF,
  NON_OWN_REF,
  OBJ_RELEASE,
  PTR_MAYBE_NULL,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_TRUSTED,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { btfStructIdsMatch } from './btf_walk.ts';
import type { CallMeta } from './call_meta.ts';
import { mapKptrMatchType } from './check_btf_access.ts';
import { checkPtrOffReg } from './check_region.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import type { RegState } from './reg_state.ts';
import { regTypeStr } from './reg_type_str.ts';

const SCALARS = [SCALAR_VALUE];
const MEM_TYPES = [
  PTR_TO_STACK,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_MEM | MEM_RINGBUF,
  PTR_TO_BUF,
  PTR_TO_BTF_ID | PTR_TRUSTED,
];
const MEM_TYPES_WITH_CTX = [...MEM_TYPES, PTR_TO_CTX];
const SOCKS = [PTR_TO_SOCK_COMMON, PTR_TO_SOCKET, PTR_TO_TCP_SOCK, PTR_TO_XDP_SOCK];
const MAP_VALUE_OR_ALLOC = [PTR_TO_MAP_VALUE, PTR_TO_BTF_ID | MEM_ALLOC];
const XCHG_UNDER_LOCK = [
  ...MAP_VALUE_OR_ALLOC,
  PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF,
  PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF | MEM_RCU,
];

/** Register types that fit a base argument type, in the order in which messages list them. */
const COMPATIBLE: Readonly<Record<number, readonly number[]>> = {
  [ARG_PTR_TO_MAP_KEY]: MEM_TYPES,
  [ARG_PTR_TO_MAP_VALUE]: MEM_TYPES,
  [ARG_PTR_TO_MEM]: MEM_TYPES,
  [ARG_CONST_SIZE]: SCALARS,
  [ARG_CONST_SIZE_OR_ZERO]: SCALARS,
  [ARG_CONST_ALLOC_SIZE_OR_ZERO]: SCALARS,
  [ARG_CONST_MAP_PTR]: [CONST_PTR_TO_MAP],
  [ARG_PTR_TO_CTX]: [PTR_TO_CTX],
  [ARG_PTR_TO_SOCK_COMMON]: SOCKS,
  [ARG_PTR_TO_BTF_ID_SOCK_COMMON]: [...SOCKS, PTR_TO_BTF_ID, PTR_TO_BTF_ID | PTR_TRUSTED],
  [ARG_PTR_TO_SOCKET]: [PTR_TO_SOCKET],
  [ARG_PTR_TO_BTF_ID]: [PTR_TO_BTF_ID, PTR_TO_BTF_ID | PTR_TRUSTED, PTR_TO_BTF_ID | MEM_RCU],
  [ARG_PTR_TO_SPIN_LOCK]: MAP_VALUE_OR_ALLOC,
  [ARG_PTR_TO_RINGBUF_MEM]: [PTR_TO_MEM | MEM_RINGBUF],
  [ARG_PTR_TO_PERCPU_BTF_ID]: [
    PTR_TO_BTF_ID | MEM_PERCPU,
    PTR_TO_BTF_ID | MEM_PERCPU | MEM_RCU,
    PTR_TO_BTF_ID | MEM_PERCPU | PTR_TRUSTED,
  ],
  [ARG_PTR_TO_FUNC]: [PTR_TO_FUNC],
  [ARG_PTR_TO_STACK]: [PTR_TO_STACK],
  [ARG_PTR_TO_CONST_STR]: [PTR_TO_MAP_VALUE],
  [ARG_PTR_TO_TIMER]: [PTR_TO_MAP_VALUE],
  [ARG_KPTR_XCHG_DEST]: MAP_VALUE_OR_ALLOC,
  [ARG_PTR_TO_DYNPTR]: [PTR_TO_STACK, CONST_PTR_TO_DYNPTR],
};

/** Kernel types of PTR_TO_BTF_ID registers whose struct is compared with the argument's. */
const COMPARED: ReadonlySet<number> = new Set([
  PTR_TO_BTF_ID,
  PTR_TO_BTF_ID | PTR_TRUSTED,
  PTR_TO_BTF_ID | PTR_TRUSTED | PTR_MAYBE_NULL,
  PTR_TO_BTF_ID | MEM_RCU,
  PTR_TO_BTF_ID | PTR_MAYBE_NULL,
  PTR_TO_BTF_ID | PTR_MAYBE_NULL | MEM_RCU,
]);
/** For locks and bpf_kptr_xchg alone. */
const ALLOCATED: ReadonlySet<number> = new Set([
  PTR_TO_BTF_ID | MEM_ALLOC,
  PTR_TO_BTF_ID | MEM_PERCPU | MEM_ALLOC,
  PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF,
  PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF | MEM_RCU,
]);
/** Their checks are those of the helper. */
const PERCPU: ReadonlySet<number> = new Set([
  PTR_TO_BTF_ID | MEM_PERCPU,
  PTR_TO_BTF_ID | MEM_PERCPU | MEM_RCU,
  PTR_TO_BTF_ID | MEM_PERCPU | PTR_TRUSTED,
]);

/** COMPATIBLE, as the release has it. */
function compatibleTypes(env: Env, argType: number): readonly number[] | undefined {
  const types = COMPATIBLE[baseType(argType)];
  if (types === MEM_TYPES && env.has('syscall_context_is_memory')) return MEM_TYPES_WITH_CTX;
  return baseType(argType) === ARG_KPTR_XCHG_DEST && env.has('kptr_xchg_under_lock') ? XCHG_UNDER_LOCK : types;
}

/** A struct type that an argument has to point to. */
export interface BtfTarget {
  readonly btf: Btf;
  readonly id: number;
}

/** check_reg_type. `target`: what an ARG_PTR_TO_BTF_ID names; null where the argument names none. */
export function checkRegType(env: Env, regno: number, argType: number, target: BtfTarget | null, meta: CallMeta): void {
  const reg = env.curRegs()[regno] as RegState;
  const compatible = compatibleTypes(env, argType);
  if (!compatible) throw new InvariantError(`argument type ${argType} of bpf_${meta.funcName}`);
  let { type } = reg;
  if (argType & MEM_RDONLY) type &= ~MEM_RDONLY;
  if (argType & PTR_MAYBE_NULL) type &= ~PTR_MAYBE_NULL;
  if (baseType(argType) === ARG_PTR_TO_MEM) type &= ~DYNPTR_TYPE_FLAG_MASK;
  const isXchg = meta.funcName === 'kptr_xchg';
  if (isXchg && regno === 2 && type & MEM_ALLOC) type &= ~(MEM_ALLOC | MEM_PERCPU);
  if (!compatible.includes(type)) {
    env.reject(errno.EACCES, msg.argExpected(regno, regTypeStr(reg.type), compatible.map(regTypeStr).join(', ')));
  }
  if (baseType(reg.type) !== PTR_TO_BTF_ID) return;
  if (compatible === MEM_TYPES || compatible === MEM_TYPES_WITH_CTX) {
    if (!(argType & MEM_RDONLY)) {
      env.reject(errno.EACCES, msg.mayWriteInto(`bpf_${meta.funcName}`, regno, regTypeStr(reg.type)));
    }
    return;
  }
  if (COMPARED.has(reg.type)) {
    compareStructs(env, reg, regno, argType, target, meta);
  } else if (ALLOCATED.has(reg.type)) {
    if (isXchg && regno === 2) matchKptr(env, reg, regno, meta);
  } else if (!PERCPU.has(reg.type)) {
    env.reject(errno.EFAULT, msg.btfTypeMatch());
  }
}

function matchKptr(env: Env, reg: RegState, regno: number, meta: CallMeta): void {
  const problem = meta.kptrField ? mapKptrMatchType(env, meta.kptrField, reg, regno) : null;
  if (problem) env.reject(errno.EACCES, problem);
}

function compareStructs(
  env: Env,
  reg: RegState,
  regno: number,
  argType: number,
  target: BtfTarget | null,
  meta: CallMeta,
): void {
  const release = (argType & OBJ_RELEASE) !== 0;
  if (reg.type & PTR_MAYBE_NULL && (!(argType & PTR_MAYBE_NULL) || release)) {
    env.reject(errno.EACCES, msg.helperNull(regno));
  }
  if (meta.funcName === 'kptr_xchg') {
    matchKptr(env, reg, regno, meta);
    return;
  }
  const want = target ?? { btf: env.vmlinux, id: env.vmlinux.find('sock_common', 'struct') };
  const btf = reg.btf as Btf;
  const strict = release && meta.funcName !== 'sk_release';
  if (!btfStructIdsMatch(env, btf, reg.btfId, reg.off, want.btf, want.id, strict, !(reg.type & MEM_ALLOC))) {
    env.reject(errno.EACCES, msg.typeIsButExpected(regno, btf.name(reg.btfId), want.btf.name(want.id)));
  }
}

const ANY_OFFSET: ReadonlySet<number> = new Set([
  PTR_TO_STACK,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_MEM | MEM_RDONLY,
  PTR_TO_MEM | MEM_RINGBUF,
  PTR_TO_BUF,
  PTR_TO_BUF | MEM_RDONLY,
  PTR_TO_ARENA,
  SCALAR_VALUE,
]);
const FIXED_OFFSET: ReadonlySet<number> = new Set([
  PTR_TO_BTF_ID,
  PTR_TO_BTF_ID | MEM_ALLOC,
  PTR_TO_BTF_ID | PTR_TRUSTED,
  PTR_TO_BTF_ID | MEM_RCU,
  PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF,
  PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF | MEM_RCU,
]);

/** check_func_arg_reg_off: which offsets the pointer may have, by its type and whether the call releases it. */
export function checkFuncArgRegOff(env: Env, reg: RegState, regno: number, argType: number): void {
  if (argType & OBJ_RELEASE) {
    if (baseType(argType) === ARG_PTR_TO_DYNPTR && reg.type === PTR_TO_STACK) return;
    if (reg.off) env.reject(errno.EINVAL, msg.releaseOffset(regno));
    checkPtrOffReg(env, reg, regno, false);
    return;
  }
  if (reg.type === PTR_TO_CTX && argType !== ARG_PTR_TO_CTX && env.progType === 'syscall') {
    if (env.has('syscall_context_is_memory')) return;
  }
  if (!ANY_OFFSET.has(reg.type)) checkPtrOffReg(env, reg, regno, FIXED_OFFSET.has(reg.type));
}
