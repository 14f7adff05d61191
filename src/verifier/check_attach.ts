/** What a program attaches to, and what it may return. */
import type { Btf, BtfFuncProto, BtfStruct, BtfType } from '../btf/btf.ts';
import { SCALAR_VALUE } from '../kernel/bpf/bpf.ts';
import type { AttachType, ProgType } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { markChainPrecision } from './backtrack.ts';
import { checkPtrOffReg } from './check_region.ts';
import type { Env } from './env.ts';
import { subprogReturnsVoid } from './func_args.ts';
import type { FuncState } from './func_state.ts';
import { isDisabledHook, isSleepableHook } from './lsm_hooks.ts';
import { funcRetvalRange } from './lsm_retval.ts';
import { msg } from './messages.ts';
import type { RegState } from './reg_state.ts';
import { regTypeStr } from './reg_type_str.ts';
import { checkRegArg, isPointerValue, SRC_OP } from './regs.ts';
import { type RetvalRange, retvalRangeWithin, verboseInvalidScalar } from './retval.ts';

/** check_attach_btf_id: before the walk; finds the prototype that gives the context its arguments. */
export function checkAttachBtfId(env: Env): void {
  const { prog, progType } = env;
  if (progType === 'syscall') {
    if (!env.sleepable) env.reject(errno.EINVAL, msg.syscallSleepable());
    return;
  }
  if (env.sleepable && !canBeSleepable(progType, prog.attachType)) env.reject(errno.EINVAL, msg.notSleepableType());
  if (progType === 'struct_ops') checkStructOpsBtfId(env);
  else if (progType === 'tracing' || progType === 'lsm' || progType === 'ext') checkAttachTarget(env);
}

const SLEEPABLE_TRACING = new Set<AttachType | null>(['trace_fentry', 'trace_fexit', 'modify_return', 'trace_iter']);

function canBeSleepable(type: ProgType, attach: AttachType | null): boolean {
  if (type === 'tracing') return SLEEPABLE_TRACING.has(attach);
  if (type === 'lsm') return attach !== 'lsm_cgroup';
  return type === 'kprobe' || type === 'struct_ops';
}

/** bpf_check_attach_target, for targets in the kernel: programs that attach to programs are not loaded alone. */
function checkAttachTarget(env: Env): void {
  const { prog, vmlinux: btf } = env;
  const id = prog.attachBtfId;
  if (!id) env.reject(errno.EINVAL, msg.attachNoId());
  if (id < 0 || id >= btf.nrTypes) env.reject(errno.EINVAL, msg.attachInvalidId(id));
  const type = btf.type(id);
  if (env.progType === 'ext') env.reject(errno.EINVAL, msg.attachExtKernel());
  switch (prog.attachType) {
    case 'trace_raw_tp':
      attachTracepoint(env, btf, type);
      return;
    case 'modify_return':
    case 'lsm_mac':
    case 'lsm_cgroup':
    case 'trace_fentry':
    case 'trace_fexit':
    case 'trace_iter':
      attachFunction(env, btf, type);
      return;
    default:
      env.reject(errno.EINVAL);
  }
}

const PREFIX = 'btf_trace_';

function attachTracepoint(env: Env, btf: Btf, type: BtfType): void {
  if (type.kind !== 'typedef') env.reject(errno.EINVAL, msg.attachNoTypedef(type.id));
  if (!type.name.startsWith(PREFIX)) env.reject(errno.EINVAL, msg.attachWrongName(type.id, type.name));
  env.attachFuncName = type.name.slice(PREFIX.length);
  env.attachBtfTrace = true;
  // The kernel prefers the template's prototype, which names its arguments (a name may end in __nullable).
  const template = btf.find(`__bpf_trace_${env.attachFuncName}`, 'func');
  const pointer = btf.type(template || type.type);
  const proto = 'type' in pointer ? btf.type(pointer.type) : pointer;
  if (proto.kind !== 'func_proto') env.reject(errno.EINVAL);
  env.attachFuncProtoId = proto.id;
}

/** Functions that tracing programs may not attach to (btf_id_deny). */
const DENIED = new Set([
  'migrate_disable',
  'migrate_enable',
  'rcu_read_unlock_strict',
  'preempt_count_add',
  'preempt_count_sub',
  '__rcu_read_lock',
  '__rcu_read_unlock',
]);
/** Functions that never return (noreturn_deny). */
const NORETURN = new Set([
  '__ia32_sys_exit',
  '__ia32_sys_exit_group',
  '__kunit_abort',
  'kunit_try_catch_throw',
  '__module_put_and_kthread_exit',
  '__x64_sys_exit',
  '__x64_sys_exit_group',
  'do_exit',
  'do_group_exit',
  'kthread_complete_and_exit',
  'kthread_exit',
  'make_task_dead',
]);

function attachFunction(env: Env, btf: Btf, type: BtfType): void {
  const { attachType } = env.prog;
  if (type.kind !== 'func') env.reject(errno.EINVAL, msg.attachNoFunc(type.id));
  const { name } = type;
  const proto = btf.type(type.type);
  if (proto.kind !== 'func_proto') env.reject(errno.EINVAL);
  checkFuncModel(env, btf, proto, name);
  env.attachFuncName = name;
  env.attachName = name;
  env.sleepableHook = env.progType === 'lsm' && isSleepableHook(name);
  env.attachFuncProtoId = proto.id;
  if (attachType === 'trace_iter') return;
  if (env.sleepable) {
    const ok = env.progType === 'lsm' ? isSleepableHook(name) : true;
    if (!ok) env.reject(errno.EINVAL, msg.attachNotSleepable(name));
  } else if (attachType === 'modify_return' && !name.startsWith('security_') && !isModifiable(name)) {
    env.reject(errno.EINVAL, msg.attachNotModifiable(name));
  }
  if (env.progType === 'lsm') {
    if (!env.gplCompatible) env.reject(errno.EINVAL, msg.lsmGpl());
    if (isDisabledHook(name)) env.reject(errno.EINVAL, msg.lsmDisabled(type.id, name));
    if (!name.startsWith('bpf_lsm_')) env.reject(errno.EINVAL, msg.lsmNoHook(type.id, name));
  } else if (DENIED.has(name)) {
    env.reject(errno.EINVAL, msg.attachDenied(name));
  } else if ((attachType === 'trace_fexit' || attachType === 'modify_return') && NORETURN.has(name)) {
    env.reject(errno.EINVAL, msg.attachNoreturn(name));
  }
}

/** Functions with ALLOW_ERROR_INJECTION or in a fmodret set: system calls, and what the kernel marks by name. */
function isModifiable(name: string): boolean {
  return (
    name.startsWith('__x64_sys_') ||
    name.startsWith('__ia32_sys_') ||
    name.startsWith('bpf_fentry_test') ||
    name.startsWith('bpf_modify_return_test')
  );
}

const MAX_BPF_FUNC_ARGS = 12;

/** btf_distill_func_proto: a trampoline can pass the arguments. */
function checkFuncModel(env: Env, btf: Btf, proto: BtfFuncProto, name: string): void {
  if (proto.params.length > MAX_BPF_FUNC_ARGS) {
    env.reject(errno.EINVAL, msg.attachTooManyArgs(name, proto.params.length));
  }
  const result = btf.type(btf.skipMods(proto.type));
  if (proto.type !== 0 && (result.kind === 'struct' || result.kind === 'union' || btf.size(proto.type) < 0)) {
    env.reject(errno.EINVAL, msg.attachReturn(name, result.kind.toUpperCase()));
  }
  for (const [i, param] of proto.params.entries()) {
    if (i === proto.params.length - 1 && param.type === 0) env.reject(errno.EINVAL, msg.attachVararg(name));
    const type = btf.type(btf.skipMods(param.type));
    const size = btf.size(param.type);
    if (size < 0 || size > 16 || (type.kind === 'union' && size > 16)) {
      env.reject(errno.EINVAL, msg.attachArg(name, i, type.kind.toUpperCase()));
    }
    if (size === 0) env.reject(errno.EINVAL, msg.attachArgSize(name, i));
  }
}

/** Members of struct_ops types that programs may not implement, by type. */
const UNSUPPORTED_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  tcp_congestion_ops: ['get_info', 'ecn_cwr_ack'],
};

/** Members whose programs may sleep, of the types that care (check_member). */
const SLEEPABLE_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  bpf_dummy_ops: ['test_sleepable'],
  sched_ext_ops: [
    ...['init_task', 'cgroup_init', 'cgroup_exit', 'cgroup_prep_move', 'cpu_online', 'cpu_offline', 'init', 'exit'],
  ],
  hid_bpf_ops: ['hid_rdesc_fixup', 'hid_hw_request', 'hid_hw_output_report'],
};

/** check_struct_ops_btf_id */
function checkStructOpsBtfId(env: Env): void {
  const { prog, vmlinux: btf } = env;
  if (!env.gplCompatible) env.reject(errno.EINVAL, msg.structOpsGpl());
  const id = prog.attachBtfId;
  if (!id) env.reject(errno.ENOTSUPP);
  const type = btf.type(id);
  if (type.kind !== 'struct' || !btf.find(`bpf_struct_ops_${type.name}`, 'struct')) {
    env.reject(errno.ENOTSUPP, msg.structOpsType(id));
  }
  const member = (type as BtfStruct).members[prog.structOpsMember];
  if (!member) env.reject(errno.EINVAL, msg.structOpsMember(prog.structOpsMember, type.name));
  const pointer = btf.type(btf.skipMods(member.type));
  const proto = pointer.kind === 'ptr' ? btf.type(btf.skipMods(pointer.type)) : pointer;
  if (proto.kind !== 'func_proto') {
    env.reject(errno.EINVAL, msg.structOpsNoFunc(member.name, prog.structOpsMember, type.name));
  }
  if (UNSUPPORTED_MEMBERS[type.name]?.includes(member.name)) {
    env.reject(errno.ENOTSUPP, msg.structOpsUnsupported(member.name, type.name));
  }
  const maySleep = SLEEPABLE_MEMBERS[type.name];
  if (env.sleepable && maySleep && !maySleep.includes(member.name)) {
    env.reject(errno.EINVAL, msg.structOpsUnsupported(member.name, type.name));
  }
  env.structOpsName = type.name;
  env.attachName = type.name;
  env.attachMember = member.name;
  env.attachFuncName = member.name;
  env.attachFuncProtoId = proto.id;
}

/** btf_type_is_small_int or an enum. */
function isScalarReturn(btf: Btf, id: number): boolean {
  const type = btf.type(btf.skipMods(id));
  return (type.kind === 'int' && type.size <= 8) || type.kind === 'enum' || type.kind === 'enum64';
}

/** check_btf_info: func_info and line_info against the program's functions; without BTF, what those functions may not do. */
export function checkBtfInfo(env: Env): void {
  const { funcs, lines } = env.prog;
  if (!env.btf || (funcs.length === 0 && lines.length === 0)) {
    // The kernel keeps the BTF of a program only where one of the two refers to it.
    env.btf = null;
    checkAbnormalReturn(env);
    return;
  }
  if (funcs.length === 0) checkAbnormalReturn(env);
  else checkFuncInfo(env, env.btf);
  if (lines.length > 0) checkLineInfo(env);
}

/** check_abnormal_return */
function checkAbnormalReturn(env: Env): void {
  for (let i = 1; i < env.subprogCnt; i++) {
    if (env.subprog(i).hasLdAbs) env.reject(errno.EINVAL, msg.ldAbsNoBtf());
    if (env.subprog(i).hasTailCall) env.reject(errno.EINVAL, msg.tailCallNoBtf());
  }
}

function checkFuncInfo(env: Env, btf: Btf): void {
  const { funcs } = env.prog;
  if (funcs.length !== env.subprogCnt) env.reject(errno.EINVAL, msg.funcInfoCount());
  for (const [i, func] of funcs.entries()) {
    const subprog = env.subprog(i);
    if (subprog.start !== func.insn) env.reject(errno.EINVAL, msg.funcInfoLayout());
    const type = func.typeId > 0 && func.typeId < btf.nrTypes ? btf.type(func.typeId) : null;
    if (type?.kind !== 'func') env.reject(errno.EINVAL, msg.funcInfoType(func.typeId));
    subprog.funcIndex = i;
    subprog.isGlobal = func.linkage === 'global';
    const scalar = isScalarReturn(btf, (btf.type(type.type) as BtfFuncProto).type);
    if (i > 0 && !scalar && subprog.hasLdAbs) env.reject(errno.EINVAL, msg.ldAbsReturn());
    if (i > 0 && !scalar && subprog.hasTailCall) env.reject(errno.EINVAL, msg.tailCallReturn());
  }
}

function checkLineInfo(env: Env): void {
  const { lines } = env.prog;
  const length = env.insns.length;
  let s = 0;
  let previous = 0;
  for (const [i, line] of lines.entries()) {
    if ((i > 0 && line.insn <= previous) || line.insn >= length) {
      env.reject(errno.EINVAL, msg.lineInfoOrder(i, line.insn, previous, length));
    }
    if (env.insn(line.insn).code === 0) env.reject(errno.EINVAL, msg.lineInfoCode(i));
    if (s < env.subprogCnt) {
      const { start } = env.subprog(s);
      if (line.insn === start) s++;
      else if (start < line.insn) env.reject(errno.EINVAL, msg.lineInfoMissing(s));
    }
    previous = line.insn;
  }
  if (s !== env.subprogCnt) env.reject(errno.EINVAL, msg.lineInfoMissingRest(env.subprogCnt - s, s));
}

const ANY: RetvalRange | null = null;

/** cgroup socket address hooks that only observe, or that have more answers than yes and no. */
const SOCK_ADDR_RANGES: Readonly<Partial<Record<AttachType, RetvalRange>>> = Object.fromEntries([
  ...[
    'cgroup_udp4_recvmsg',
    'cgroup_udp6_recvmsg',
    'cgroup_unix_recvmsg',
    'cgroup_inet4_getpeername',
    'cgroup_inet6_getpeername',
    'cgroup_unix_getpeername',
    'cgroup_inet4_getsockname',
    'cgroup_inet6_getsockname',
    'cgroup_unix_getsockname',
  ].map((type) => [type, { min: 1, max: 1 }] as const),
  ['cgroup_inet4_bind', { min: 0, max: 3 }],
  ['cgroup_inet6_bind', { min: 0, max: 3 }],
]);

const YES_NO: RetvalRange = { min: 0, max: 1 };
const ZERO: RetvalRange = { min: 0, max: 0 };

/** The range that R0 has to lie in at the end of the main program, by program type; null: anything. */
function returnRange(env: Env): { range: RetvalRange | null; is32?: boolean } {
  const { attachType } = env.prog;
  switch (env.progType) {
    case 'cgroup_sock_addr':
      return { range: (attachType && SOCK_ADDR_RANGES[attachType]) ?? YES_NO };
    case 'cgroup_skb':
      return { range: attachType === 'cgroup_inet_egress' ? { min: 0, max: 3 } : YES_NO };
    case 'cgroup_sock':
    case 'sock_ops':
    case 'cgroup_device':
    case 'cgroup_sysctl':
    case 'cgroup_sockopt':
    case 'sk_lookup':
    case 'netfilter':
      return { range: YES_NO };
    case 'raw_tracepoint':
      return { range: env.prog.attachBtfId ? ZERO : ANY };
    case 'tracing':
      if (attachType === 'trace_fentry' || attachType === 'trace_fexit') return { range: ZERO };
      if (attachType === 'trace_iter') return { range: YES_NO };
      if (attachType === 'trace_raw_tp' || attachType === 'modify_return') return { range: ANY };
      return env.reject(errno.ENOTSUPP);
    case 'kprobe':
      return { range: attachType === 'trace_kprobe_session' || attachType === 'trace_uprobe_session' ? YES_NO : ANY };
    case 'lsm':
      if (attachType === 'lsm_cgroup') return { range: voidTarget(env) ? { min: 1, max: 1 } : YES_NO };
      return { range: funcRetvalRange(env), is32: true };
    case 'struct_ops':
      return { range: returnsPointer(env) ? ZERO : ANY };
    default:
      return { range: ANY };
  }
}

function targetProto(env: Env): BtfFuncProto | null {
  const proto = env.attachFuncProtoId ? env.vmlinux.type(env.attachFuncProtoId) : null;
  return proto?.kind === 'func_proto' ? proto : null;
}

function voidTarget(env: Env): boolean {
  return targetProto(env)?.type === 0;
}

/** Struct that a struct_ops member returns a pointer to; 0: it returns none. */
function returnsPointer(env: Env): number {
  const btf = env.vmlinux;
  const type = btf.type(btf.skipMods(targetProto(env)?.type ?? 0));
  return type.kind === 'ptr' ? btf.skipMods(type.type) : 0;
}

/** check_return_code: R0 at the end of the program (or of an exception callback), or R1 of bpf_throw. */
export function checkReturnCode(env: Env, regno: number, regName: string): void {
  const regs = env.curRegs();
  const reg = regs[regno] as RegState;
  const frame = env.curState.frame[0] as FuncState;
  const isSubprog = frame.subprogno !== 0;
  if (!isSubprog || frame.inExceptionCallbackFn) {
    const isVoid = voidTarget(env);
    if (env.progType === 'lsm' && env.prog.attachType !== 'lsm_cgroup' && isVoid) return;
    if (env.progType === 'struct_ops') {
      if (isVoid) return;
      if (
        !frame.inExceptionCallbackFn &&
        reg.refObjId &&
        reg.btf === env.vmlinux &&
        reg.btfId === returnsPointer(env)
      ) {
        checkPtrOffReg(env, reg, regno);
        return;
      }
    }
  }
  if (isSubprog && !frame.inExceptionCallbackFn && subprogReturnsVoid(env, frame.subprogno)) return;
  checkRegArg(env, regno, SRC_OP, regs);
  if (isPointerValue(env.allowPtrLeaks, reg)) env.reject(errno.EACCES, msg.returnLeaks(regno));
  if (frame.inAsyncCallbackFn) {
    enforceRange(env, regno, reg, frame.retRange, 'At async callback return', regName, false);
    return;
  }
  if (isSubprog && !frame.inExceptionCallbackFn) {
    if (reg.type !== SCALAR_VALUE) env.reject(errno.EINVAL, msg.subprogReturn(regno, regTypeStr(reg.type)));
    return;
  }
  const { range, is32 } = returnRange(env);
  if (!range) return;
  enforceRange(env, regno, reg, range, 'At program exit', regName, is32 ?? false);
}

function enforceRange(
  env: Env,
  regno: number,
  reg: RegState,
  want: RetvalRange,
  exit: string,
  regName: string,
  is32: boolean,
): void {
  if (reg.type !== SCALAR_VALUE) env.reject(errno.EINVAL, msg.returnUnknown(exit, regno, regTypeStr(reg.type)));
  markChainPrecision(env, regno);
  if (retvalRangeWithin(want, reg, is32)) return;
  verboseInvalidScalar(env, reg, want, exit, regName);
  if (env.progType === 'lsm' && env.prog.attachType === 'lsm_cgroup' && voidTarget(env)) {
    env.reject(errno.EINVAL, msg.lsmCgroupVoid());
  }
  env.reject(errno.EINVAL);
}
