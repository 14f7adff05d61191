/** Accesses to a program's context: by table (uapi/ctx) or, for tracing programs, by the BTF of what they attach to. */
import type { Btf, BtfFuncProto, BtfType } from '../btf/btf.ts';
import {
  MEM_PERCPU,
  MEM_USER,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_FLOW_KEYS,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON_OR_NULL,
  PTR_TO_SOCKET,
  PTR_TO_SOCKET_OR_NULL,
  PTR_TO_TP_BUFFER,
  PTR_TRUSTED,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import type { AttachType } from '../uapi/bpf.ts';
import { ctxTables } from '../uapi/ctx/index.ts';
import type { CtxPointer } from '../uapi/ctx/table.ts';
import { ctxAccess } from '../uapi/ctx/table.ts';
import { errno } from '../uapi/errno.ts';
import { ctxArgInfo } from './attach_target.ts';
import { BPF_READ, BPF_WRITE, checkMemRegionAccess, checkPtrOffReg } from './check_region.ts';
import type { Env } from './env.ts';
import { hasTrustedArgs } from './lsm_hooks.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import { rawTpArgFlags } from './raw_tp_args.ts';
import { findReferenceState } from './refs.ts';
import type { RegState } from './reg_state.ts';

/** struct bpf_insn_access_aux: what a load of the context gives. One object, reused. */
export class AccessInfo {
  regType = SCALAR_VALUE;
  btf: Btf | null = null;
  btfId = 0;
  refObjId = 0;
  /** The load reads the traced function's return value. */
  isRetval = false;

  clear(): this {
    this.regType = SCALAR_VALUE;
    this.btf = null;
    this.btfId = 0;
    this.refObjId = 0;
    this.isRetval = false;
    return this;
  }
}

const POINTER_TYPES: Readonly<Record<CtxPointer, number>> = {
  packet: PTR_TO_PACKET,
  packet_meta: PTR_TO_PACKET_META,
  packet_end: PTR_TO_PACKET_END,
  sock_common_or_null: PTR_TO_SOCK_COMMON_OR_NULL,
  socket: PTR_TO_SOCKET,
  socket_or_null: PTR_TO_SOCKET_OR_NULL,
  flow_keys: PTR_TO_FLOW_KEYS,
  tp_buffer: PTR_TO_TP_BUFFER,
  nf_hook_state: PTR_TO_BTF_ID | PTR_TRUSTED,
  sk_buff: PTR_TO_BTF_ID | PTR_TRUSTED,
};

/** MAX_BPF_FUNC_ARGS: most arguments of a traced function. */
const MAX_BPF_FUNC_ARGS = 12;

/** Program types whose context the kernel does not rewrite: its size is checked by an access. */
export const NO_CTX_CONVERSION: ReadonlySet<string> = new Set([
  'kprobe',
  'tracepoint',
  'raw_tracepoint',
  'raw_tracepoint_writable',
  'tracing',
  'lsm',
  'struct_ops',
  'syscall',
  'cgroup_device',
  'netfilter',
  'lirc_mode2',
]);

/** Bytes of context that a syscall program may look at. */
export const MAX_SYSCALL_CTX = 0xffff;

/** The context pointer as it was given, or moved where the release allows that; the largest offset that is accessed. */
export function checkCtxOffset(env: Env, reg: RegState, regno: number, off: number, size: number): number {
  const moves = env.has('syscall_context_is_memory');
  if (!moves || env.progType !== 'syscall') {
    checkPtrOffReg(env, reg, regno, moves && NO_CTX_CONVERSION.has(env.progType));
    return off;
  }
  checkMemRegionAccess(env, regno, off, size, MAX_SYSCALL_CTX, false);
  return off + range.umaxF(reg.val);
}

/** check_ctx_access: fills `info`, or rejects. */
export function checkCtxAccess(
  env: Env,
  off: number,
  size: number,
  type: number,
  isLdsx: boolean,
  info: AccessInfo,
): void {
  info.clear();
  if (!isValidAccess(env, off, size, type, isLdsx, info)) env.reject(errno.EACCES, msg.ctxInvalid(off, size));
  if (info.refObjId && !findReferenceState(env.curState, info.refObjId)) {
    env.reject(errno.EACCES, msg.ctxReleased(off));
  }
  env.maxCtxOffset = Math.max(env.maxCtxOffset, off + size);
}

/** env->ops->is_valid_access. */
function isValidAccess(env: Env, off: number, size: number, type: number, isLdsx: boolean, info: AccessInfo): boolean {
  switch (env.progType) {
    case 'tracing':
    case 'lsm':
      if (off < 0 || off >= 8 * MAX_BPF_FUNC_ARGS || type !== BPF_READ || off % size !== 0) return false;
      return btfCtxAccess(env, off, size, info);
    case 'struct_ops':
      return structOpsCtxAccess(env, off, size, type, info);
    case 'ext':
      return false;
    default:
      return tableAccess(env, off, size, type, isLdsx, info);
  }
}

function tableAccess(env: Env, off: number, size: number, type: number, isLdsx: boolean, info: AccessInfo): boolean {
  const table = ctxTables[env.progType];
  const field = table && ctxAccess(table, off, size, type === BPF_WRITE, isLdsx, env.prog.attachType);
  if (!field) return false;
  // The kernel's own field has two bytes: a single one of them may not be read.
  if (env.progType === 'sk_reuseport' && field.name === 'eth_protocol' && size < 2) return false;
  if (field.pointer) {
    info.regType = POINTER_TYPES[field.pointer];
    if (field.pointer === 'nf_hook_state' || field.pointer === 'sk_buff') {
      info.btf = env.vmlinux;
      info.btfId = env.vmlinux.find(field.pointer, 'struct');
    }
  }
  return true;
}

/** bpf_struct_ops' default is_valid_access; struct_ops that write to their context do it through BTF pointers. */
function structOpsCtxAccess(env: Env, off: number, size: number, type: number, info: AccessInfo): boolean {
  if (off < 0 || off >= 8 * MAX_BPF_FUNC_ARGS || type !== BPF_READ || off % size !== 0) return false;
  if (!btfCtxAccess(env, off, size, info)) return false;
  // bpf_tcp_ca_is_valid_access: a tcp congestion control gets its sock as a tcp_sock.
  if (info.btf === env.vmlinux && info.regType === (PTR_TO_BTF_ID | PTR_TRUSTED) && env.structOpsName === TCP_CA) {
    if (info.btfId === env.vmlinux.find('sock', 'struct')) info.btfId = env.vmlinux.find('tcp_sock', 'struct');
  }
  return true;
}
const TCP_CA = 'tcp_congestion_ops';

function isStruct(type: BtfType): boolean {
  return type.kind === 'struct' || type.kind === 'union';
}

function isModifier(type: BtfType): boolean {
  return (
    type.kind === 'typedef' ||
    type.kind === 'const' ||
    type.kind === 'volatile' ||
    type.kind === 'restrict' ||
    type.kind === 'type_tag'
  );
}

/** btf_type_is_small_int: an int of 1, 2, 4 or 8 bytes. */
function isSmallInt(type: BtfType): boolean {
  return type.kind === 'int' && type.size <= 8;
}

const LOG_KINDS: Readonly<Record<string, string>> = { func_proto: 'FUNC_PROTO' };
const kindStr = (type: BtfType): string =>
  LOG_KINDS[type.kind] ?? (type.kind === 'void' ? 'UNKNOWN' : type.kind.toUpperCase());

/** Bytes that an argument takes of the context: structs by value take whole words. */
function argSize(btf: Btf, id: number): number {
  const type = btf.type(btf.skipMods(id));
  if (type.kind === 'ptr') return 8;
  return 'size' in type ? Math.ceil(type.size / 8) * 8 : 0;
}

/** get_ctx_arg_idx: which argument lies at an offset. */
function argIndex(btf: Btf, proto: BtfFuncProto | null, off: number): number {
  if (!proto) return Math.trunc(off / 8);
  let end = 0;
  for (const [i, param] of proto.params.entries()) {
    end += argSize(btf, param.type);
    if (off < end) return i;
  }
  end += argSize(btf, proto.type);
  return off < end ? proto.params.length : proto.params.length + 1;
}

/** Attach types after whose last argument comes the return value. */
const RETVAL_ATTACH: readonly (AttachType | null)[] = ['lsm_mac', 'lsm_cgroup', 'trace_fexit'];

/** prog_args_trusted */
function argsTrusted(env: Env): boolean {
  const { attachType } = env.prog;
  switch (env.progType) {
    case 'tracing':
      return attachType === 'trace_raw_tp' || attachType === 'trace_iter';
    case 'lsm':
      return hasTrustedArgs(env.attachFuncName);
    case 'struct_ops':
      return true;
    default:
      return false;
  }
}

/** btf_ctx_access: an argument of the function, tracepoint or member that the program attaches to. */
export function btfCtxAccess(env: Env, off: number, size: number, info: AccessInfo): boolean {
  const btf = env.vmlinux;
  const { attachType } = env.prog;
  const tname = env.attachFuncName;
  const say = (text: string): false => {
    env.verbose(`${text}\n`);
    return false;
  };
  if (off % 8) return say(msg.ctxArgOffset(tname, off));
  const proto = env.attachFuncProtoId ? (btf.type(env.attachFuncProtoId) as BtfFuncProto) : null;
  // A tracepoint's typedef has 'void *__data' first, which the program does not see: arg counts without it, and the offset
  // is looked up in the whole prototype, as the kernel does.
  const skip = env.attachBtfTrace ? 1 : 0;
  const arg = argIndex(btf, proto, off);
  const params = proto ? proto.params.slice(skip) : [];
  const nrArgs = proto ? params.length : 5;
  if (arg > nrArgs) return say(msg.ctxNoArg(tname, arg + 1));
  let id = 0;
  if (arg === nrArgs) {
    if (attachType === 'modify_return') {
      if (!proto) return false;
      id = btf.skipMods(proto.type);
      if (!isSmallInt(btf.type(id))) return say(msg.ctxFmodRet(kindStr(btf.type(id))));
    } else if (RETVAL_ATTACH.includes(attachType)) {
      if (attachType === 'lsm_mac') info.isRetval = true;
      if (!proto) return true;
      id = proto.type;
    } else {
      return say(msg.ctxNoArg(tname, arg + 1));
    }
  } else {
    if (!proto) return true;
    id = params[arg]?.type ?? 0;
  }
  id = btf.skipMods(id);
  const type = btf.type(id);
  if (isSmallInt(type) || type.kind === 'enum' || type.kind === 'enum64' || isStruct(type)) return true;
  if (type.kind !== 'ptr') return say(msg.ctxArgType(tname, arg, type.name, kindStr(type)));
  if (size !== 8) return say(msg.ctxArgSize(tname, size));
  const special = ctxArgInfo(env, off);
  if (special?.isBuf) {
    info.regType = special.regType;
    return true;
  }
  if (type.type === 0) return true;
  if (btf.kind(btf.skipMods(type.type)) === 'int') return true;
  if (special) {
    info.regType = special.regType;
    info.btf = special.btf;
    info.btfId = special.btfId;
    info.refObjId = special.refObjId;
    return true;
  }
  info.regType = PTR_TO_BTF_ID;
  if (argsTrusted(env)) info.regType |= PTR_TRUSTED;
  if (params[arg]?.name.endsWith('__nullable')) info.regType |= PTR_MAYBE_NULL;
  let isErr = false;
  if (attachType === 'trace_raw_tp') {
    const flags = rawTpArgFlags(tname, arg);
    if (flags.mayBeNull) info.regType |= PTR_MAYBE_NULL;
    isErr = flags.mayBeErr;
  }
  info.btf = btf;
  info.btfId = type.type;
  let target = btf.type(type.type);
  if (target.kind === 'type_tag') {
    if (target.name === 'user') info.regType |= MEM_USER;
    if (target.name === 'percpu') info.regType |= MEM_PERCPU;
  }
  while (isModifier(target) && 'type' in target) {
    info.btfId = target.type;
    target = btf.type(target.type);
  }
  if (!isStruct(target)) return say(msg.ctxArgNoStruct(tname, arg, kindStr(target)));
  env.verbose(`${msg.ctxArgBtf(tname, arg, info.btfId, kindStr(target), target.name)}\n`);
  if (isErr) {
    env.verbose(msg.ctxArgErr(arg));
    info.regType = SCALAR_VALUE;
  }
  return true;
}
