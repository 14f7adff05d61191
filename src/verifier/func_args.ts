/** Arguments of global functions, from their BTF (btf_prepare_func_args, btf_check_subprog_call). */
import type { Btf } from '../btf/btf.ts';
import {
  ARG_ANYTHING,
  ARG_DONTCARE,
  ARG_PTR_TO_ARENA,
  ARG_PTR_TO_BTF_ID,
  ARG_PTR_TO_CTX,
  ARG_PTR_TO_DYNPTR,
  ARG_PTR_TO_MEM,
  baseType,
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TO_ARENA,
  PTR_TO_CTX,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { CallMeta } from './call_meta.ts';
import { checkFuncArgRegOff, checkRegType } from './check_reg_type.ts';
import { isProgCtxType, validateProgCtxType } from './ctx_type.ts';
import { processDynptrFunc } from './dynptr_args.ts';
import { type Env, Reject, type SubprogArg, type SubprogInfo } from './env.ts';
import { checkMemReg } from './helper_mem.ts';
import { btfTypeStr, isScalar } from './kfunc_params.ts';
import { msg } from './messages.ts';
import type { RegState } from './reg_state.ts';
import { registerIsNull } from './regs.ts';

const MAX_BPF_FUNC_REG_ARGS = 5;

/** The function's BTF type id; 0: none. */
function funcTypeId(env: Env, info: SubprogInfo): number {
  return env.prog.funcs[info.funcIndex]?.typeId ?? 0;
}

/** Fills env.subprog(i).args from BTF, once; rejects what the kernel rejects. */
export function btfPrepareFuncArgs(env: Env, subprog: number): void {
  const info = env.subprog(subprog);
  if (info.argsCached) return;
  const typeId = funcTypeId(env, info);
  const { btf } = env;
  // A function is only known to be global from its BTF.
  if (!typeId || !btf) env.reject(errno.EINVAL);
  const func = btf.type(typeId);
  if (func.kind !== 'func') env.reject(errno.EFAULT);
  const proto = btf.type(func.type);
  // The kernel refuses such BTF when it is loaded; a program has no function information then.
  if (proto.kind !== 'func_proto') env.reject(errno.EINVAL);
  const count = proto.params.length;
  if (count > MAX_BPF_FUNC_REG_ARGS) {
    refuse(env, info, msg.globalManyArgs(func.name, count, MAX_BPF_FUNC_REG_ARGS));
  }
  const returned = btf.type(btf.skipMods(proto.type));
  const isVoid = returned.kind === 'void' && info.isGlobal && env.has('void_global_functions');
  if (!isVoid && !isScalar(returned)) {
    const unsupported = info.isGlobal && env.has('unsupported_global_eopnotsupp');
    if (unsupported) env.reject(errno.EOPNOTSUPP, msg.globalReturns(func.name));
    refuse(env, info, msg.globalReturns(func.name));
  }
  info.args = proto.params.map((param, arg) => prepareArg(env, info, btf, typeId, func.name, param.type, arg));
  info.argsCached = true;
}

/** Does the BTF of a function say that it returns nothing, and does this kernel allow that of a global one? */
export function subprogReturnsVoid(env: Env, subprog: number): boolean {
  const { btf } = env;
  const typeId = funcTypeId(env, env.subprog(subprog));
  if (!btf || !typeId || !env.has('void_global_functions')) return false;
  const func = btf.type(typeId);
  const proto = func.kind === 'func' ? btf.type(func.type) : null;
  return proto?.kind === 'func_proto' && btf.skipMods(proto.type) === 0;
}

/** A static function only loses the use of its BTF, without a word. */
function refuse(env: Env, info: SubprogInfo, message: string): never {
  return info.isGlobal ? env.reject(errno.EINVAL, message) : env.reject(errno.EINVAL);
}

const TAGS = ['ctx', 'trusted', 'untrusted', 'nonnull', 'nullable', 'arena'] as const;
type Tag = (typeof TAGS)[number];
const TRUST_TAGS: ReadonlySet<Tag | undefined> = new Set<Tag>(['trusted', 'nullable', 'arena']);

function tagsOf(env: Env, info: SubprogInfo, btf: Btf, funcId: number, arg: number): ReadonlySet<Tag> {
  const tags = new Set<Tag>();
  for (const { name, componentIdx } of btf.declTags(funcId)) {
    if (componentIdx !== arg || !name.startsWith('arg:')) continue;
    if (!info.isGlobal) env.reject(errno.EOPNOTSUPP, msg.tagInStatic(arg));
    const tag = TAGS.find((known) => name === `arg:${known}`);
    if (TRUST_TAGS.has(tag) && !env.has('trusted_arg_tags')) continue;
    if (!tag || (tag === 'untrusted' && !env.has('untrusted_arg_tag')))
      env.reject(errno.EOPNOTSUPP, msg.tagsUnsupported(arg));
    tags.add(tag);
  }
  return tags;
}

function prepareArg(
  env: Env,
  info: SubprogInfo,
  btf: Btf,
  funcId: number,
  funcName: string,
  typeId: number,
  arg: number,
): SubprogArg {
  const tags = tagsOf(env, info, btf, funcId, arg);
  const type = btf.type(btf.skipMods(typeId));
  if (type.kind === 'ptr') {
    const pointer = preparePointer(env, info, btf, type.type, arg, tags);
    if (pointer) return pointer;
  }
  if (tags.size) env.reject(errno.EINVAL, msg.tagNotPointer(arg));
  if (!isScalar(type)) refuse(env, info, msg.argTypeUnsupported(arg, btfTypeStr(type), funcName));
  return { argType: ARG_ANYTHING, memSize: 0, btfId: 0 };
}

/** A pointer to `target`; null when a static function has no use for it. */
function preparePointer(
  env: Env,
  info: SubprogInfo,
  btf: Btf,
  target: number,
  arg: number,
  tags: ReadonlySet<Tag>,
): SubprogArg | null {
  const only = (tag: Tag): boolean => tags.size === 1 && tags.has(tag);
  const plain = (argType: number, memSize = 0, btfId = 0): SubprogArg => ({ argType, memSize, btfId });
  if (tags.has('ctx') || isProgCtxType(env, btf, target, env.progType)) {
    if (tags.size && !only('ctx')) env.reject(errno.EINVAL, msg.tagsInvalid(arg));
    if (tags.has('ctx')) validateProgCtxType(env, btf, target, arg);
    return plain(ARG_PTR_TO_CTX);
  }
  const ref = btf.type(btf.skipMods(target));
  if (ref.kind === 'struct' && (ref.name === 'bpf_dynptr' || ref.name === 'bpf_dynptr_kern')) {
    if (tags.size) env.reject(errno.EINVAL, msg.tagsInvalid(arg));
    return plain(ARG_PTR_TO_DYNPTR | MEM_RDONLY);
  }
  if (tags.has('trusted')) {
    if (tags.has('nonnull')) env.reject(errno.EINVAL, msg.tagsInvalid(arg));
    const id = kernelType(env, btf, target, arg);
    return plain(ARG_PTR_TO_BTF_ID | PTR_TRUSTED | (tags.has('nullable') ? PTR_MAYBE_NULL : 0), 0, id);
  }
  if (tags.has('untrusted')) {
    if (!only('untrusted')) env.reject(errno.EINVAL, msg.tagAlone(arg, 'untrusted'));
    if (ref.kind === 'void' || isScalar(ref)) return plain(ARG_PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED);
    const id = kernelType(env, btf, target, arg);
    const kernel = env.vmlinux.type(id);
    if (kernel.kind !== 'struct' && kernel.kind !== 'union') {
      // It names the pointer, which has no name.
      env.reject(errno.EINVAL, msg.tagTypeNotAllowed(arg, btfTypeStr(kernel)));
    }
    return plain(ARG_PTR_TO_BTF_ID | PTR_UNTRUSTED, 0, id);
  }
  if (tags.has('arena')) {
    if (!only('arena')) env.reject(errno.EINVAL, msg.tagAlone(arg, 'arena'));
    return plain(ARG_PTR_TO_ARENA);
  }
  if (!info.isGlobal) return null;
  if (tags.has('nullable')) env.reject(errno.EINVAL, msg.tagsInvalid(arg));
  const size = btf.size(ref.id);
  if (size < 0) env.reject(errno.EINVAL, msg.argSizeUnknown(arg, btfTypeStr(ref), ref.name, -errno.EINVAL));
  return plain(ARG_PTR_TO_MEM | (tags.has('nonnull') ? 0 : PTR_MAYBE_NULL), size);
}

/** btf_get_ptr_to_btf_id: the one kernel type of that name, flavours aside. */
function kernelType(env: Env, btf: Btf, target: number, arg: number): number {
  const type = btf.type(btf.skipMods(target));
  const essential = type.name.replace(/___.*$/, '');
  const found = env.vmlinux.findEssential(essential, type.kind);
  if (found.length === 1) return found[0] as number;
  const problem = found.length === 0 ? 'has no matches' : 'is ambiguous';
  return env.reject(
    found.length === 0 ? errno.ENOENT : errno.ESRCH,
    msg.argCandidates(arg, btfTypeStr(type), type.name, problem),
  );
}

/**
 * btf_check_subprog_call: do the caller's registers fit the function's prototype? Rejects otherwise, with EFAULT only where
 * the kernel ends the verification for it; callers of static functions ignore the rest.
 */
export function btfCheckSubprogCall(env: Env, subprog: number, regs: readonly RegState[]): void {
  const info = env.subprog(subprog);
  if (info.funcIndex < 0 || !env.btf || info.unreliable) env.reject(errno.EINVAL);
  if (!funcTypeId(env, info)) env.reject(errno.EFAULT);
  try {
    btfPrepareFuncArgs(env, subprog);
    info.args.forEach((arg, index) => {
      checkArg(env, arg, index, regs[index + 1] as RegState);
    });
  } catch (error) {
    if (error instanceof Reject) info.unreliable = true;
    throw error;
  }
}

/** btf_check_func_arg_match, one argument. */
function checkArg(env: Env, arg: SubprogArg, index: number, reg: RegState): void {
  const regno = index + 1;
  const { argType } = arg;
  if (argType === ARG_ANYTHING) {
    if (reg.type !== SCALAR_VALUE) env.reject(errno.EINVAL, msg.notScalar(regno));
    return;
  }
  if (argType & PTR_UNTRUSTED) return;
  switch (baseType(argType)) {
    case ARG_PTR_TO_CTX:
      checkFuncArgRegOff(env, reg, regno, ARG_DONTCARE);
      if (reg.type !== PTR_TO_CTX) env.reject(errno.EINVAL, msg.argExpectsCtx(index));
      return;
    case ARG_PTR_TO_MEM:
      checkFuncArgRegOff(env, reg, regno, ARG_DONTCARE);
      memArg(env, arg, index, reg);
      return;
    case ARG_PTR_TO_ARENA:
      if (reg.type !== PTR_TO_ARENA && reg.type !== SCALAR_VALUE) env.reject(errno.EINVAL, msg.notArena(regno));
      return;
    case ARG_PTR_TO_DYNPTR:
      checkFuncArgRegOff(env, reg, regno, ARG_PTR_TO_DYNPTR);
      processDynptrFunc(env, regno, -1, argType, 0);
      return;
    case ARG_PTR_TO_BTF_ID:
      if (registerIsNull(reg) && argType & PTR_MAYBE_NULL) return;
      checkRegType(env, regno, argType, { btf: env.vmlinux, id: arg.btfId }, new CallMeta());
      checkFuncArgRegOff(env, reg, regno, argType);
  }
}

function memArg(env: Env, arg: SubprogArg, index: number, reg: RegState): void {
  try {
    checkMemReg(env, reg, index + 1, arg.memSize);
  } catch (error) {
    // Whatever was wrong, the kernel answers EINVAL here.
    if (error instanceof Reject) env.reject(errno.EINVAL);
    throw error;
  }
  if (arg.argType & PTR_MAYBE_NULL) return;
  const isNull = registerIsNull(reg) && env.has('nonnull_refuses_zero');
  if (reg.type & PTR_MAYBE_NULL || isNull) env.reject(errno.EINVAL, msg.argNonNull(index));
}
