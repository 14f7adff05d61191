/** Loads and stores through pointers to kernel structs, map pointers and kptr fields (check_ptr_to_btf_access ...). */
import type { Btf, BtfStruct } from '../btf/btf.ts';
import {
  baseType,
  CONST_PTR_TO_MAP,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_USER,
  NON_OWN_REF,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  SCALAR_VALUE,
  typeFlag,
} from '../kernel/bpf/bpf.ts';
import {
  BPF_GRAPH_NODE,
  BPF_KPTR_PERCPU,
  BPF_KPTR_REF,
  BPF_KPTR_UNREF,
  BPF_UPTR,
  type BtfField,
} from '../kernel/bpf/btf_record.ts';
import { type MapType, mapTypes } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { BPF_LDX, BPF_MEM, BPF_STX, classOf, modeOf } from '../uapi/insn.ts';
import { btfNestedTypeIsTrusted, btfStructAccess, btfStructIdsMatch, walk } from './btf_walk.ts';
import { BPF_READ, checkPtrOffReg } from './check_region.ts';
import { inRcuCs } from './context.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import { RANGE_ZERO } from './range.ts';
import { RegState } from './reg_state.ts';
import { regTypeStr, varOffStr } from './reg_type_str.ts';
import {
  isRcuReg,
  markBtfLdReg,
  markRegKnownZero,
  registerIsNull,
  typeHasUnsafeModifiers,
  typeIsPtrAllocObj,
  typeMayBeNull,
} from './regs.ts';
import { structOpsWrite } from './struct_ops_write.ts';

/** Socket types that stand for a kernel struct, and are trusted as such (reg2btf_ids). */
const ALWAYS_TRUSTED = new Set([PTR_TO_SOCKET, PTR_TO_SOCK_COMMON, PTR_TO_TCP_SOCK, CONST_PTR_TO_MAP]);

/** is_trusted_reg: referenced, a socket, or marked trusted and nothing worse. */
export function isTrustedReg(reg: RegState): boolean {
  if (reg.refObjId) return true;
  const unsafe = typeHasUnsafeModifiers(reg.type);
  if (ALWAYS_TRUSTED.has(baseType(reg.type)) && !unsafe) return true;
  return (typeFlag(reg.type) & (MEM_ALLOC | PTR_TRUSTED)) !== 0 && !unsafe;
}

/** check_ptr_to_btf_access */
export function checkPtrToBtfAccess(
  env: Env,
  regno: number,
  off: number,
  size: number,
  type: number,
  valueRegno: number,
): void {
  const regs = env.curRegs();
  const reg = regs[regno] as RegState;
  const btf = reg.btf as Btf;
  const name = btf.name(reg.btfId);
  const kernel = btf === env.vmlinux;
  if (!env.allowPtrLeaks) env.reject(errno.EPERM, msg.btfCaps(name));
  if (!env.gplCompatible && kernel) env.reject(errno.EINVAL, msg.btfGpl(name));
  if (off < 0) env.reject(errno.EACCES, msg.btfNegative(regno, name, off));
  if (reg.val !== RANGE_ZERO) env.reject(errno.EACCES, msg.btfVariable(regno, name, off, varOffStr(env, reg)));
  if (reg.type & MEM_USER) env.reject(errno.EACCES, msg.btfUser(regno, name, off));
  if (reg.type & MEM_PERCPU) env.reject(errno.EACCES, msg.btfPercpu(regno, name, off));
  let result: number = SCALAR_VALUE;
  if (type !== BPF_READ && !(reg.type & MEM_ALLOC) && structOpsWrite(env, reg, off, size)) {
    walk.flag = 0;
  } else {
    if (type !== BPF_READ && !typeIsPtrAllocObj(reg.type)) env.reject(errno.EACCES, msg.onlyRead());
    result = btfStructAccess(env, reg, btf, off, size);
  }
  const { btfId } = walk;
  const flag = result === PTR_TO_BTF_ID ? walkedFlags(env, reg, btf) : walk.flag;
  if (type === BPF_READ && valueRegno >= 0) markLoaded(env, regs, valueRegno, result, btf, btfId, flag);
}

/** Trust of a pointer found by walking from `reg`. */
function walkedFlags(env: Env, reg: RegState, btf: Btf): number {
  const { btfId, fieldName } = walk;
  let { flag } = walk;
  const listed = (suffix: string): boolean => btfNestedTypeIsTrusted(reg, btf, fieldName, btfId, suffix);
  if (reg.type & PTR_UNTRUSTED) return PTR_UNTRUSTED;
  if (!isTrustedReg(reg) && !isRcuReg(reg)) return flag & ~TRUST_FLAGS;
  if (listed('__safe_trusted')) return flag | PTR_TRUSTED;
  if (listed('__safe_trusted_or_null')) return flag | PTR_TRUSTED | PTR_MAYBE_NULL;
  if (!inRcuCs(env) || typeMayBeNull(reg.type)) return PTR_UNTRUSTED;
  if (listed('__safe_rcu')) return flag | MEM_RCU;
  const orNull = listed('__safe_rcu_or_null');
  if (flag & MEM_RCU || orNull) {
    flag |= MEM_RCU | PTR_MAYBE_NULL;
    return orNull ? flag & ~PTR_UNTRUSTED : flag;
  }
  if (flag & (MEM_PERCPU | MEM_USER)) return flag;
  return flag & ~TRUST_FLAGS;
}
/** clear_trusted_flags */
const TRUST_FLAGS = MEM_ALLOC | PTR_TRUSTED | MEM_RCU;

function markLoaded(
  env: Env,
  regs: readonly RegState[],
  regno: number,
  type: number,
  btf: Btf,
  btfId: number,
  flag: number,
): void {
  if (type !== PTR_TO_MEM) {
    markBtfLdReg(env, regs, regno, type, btf, btfId, flag);
    return;
  }
  markRegKnownZero(env, regs, regno);
  (regs[regno] as RegState).type = PTR_TO_MEM | flag;
}

/** Kernel struct behind a map pointer, by map type (map_btf_id). Others have none. */
const MAP_STRUCTS: Readonly<Partial<Record<MapType, string>>> = {
  hash: 'bpf_htab',
  percpu_hash: 'bpf_htab',
  lru_hash: 'bpf_htab',
  lru_percpu_hash: 'bpf_htab',
  hash_of_maps: 'bpf_htab',
  array: 'bpf_array',
  percpu_array: 'bpf_array',
  prog_array: 'bpf_array',
  perf_event_array: 'bpf_array',
  cgroup_array: 'bpf_array',
  array_of_maps: 'bpf_array',
  lpm_trie: 'lpm_trie',
  stack_trace: 'bpf_stack_map',
  queue: 'bpf_queue_stack',
  stack: 'bpf_queue_stack',
  ringbuf: 'bpf_ringbuf_map',
  user_ringbuf: 'bpf_ringbuf_map',
  devmap: 'bpf_dtab',
  devmap_hash: 'bpf_dtab',
  cpumap: 'bpf_cpu_map',
  xskmap: 'xsk_map',
  sockmap: 'bpf_stab',
  sockhash: 'bpf_shtab',
  cgroup_storage: 'bpf_cgroup_storage_map',
  percpu_cgroup_storage: 'bpf_cgroup_storage_map',
  reuseport_sockarray: 'reuseport_array',
  sk_storage: 'bpf_local_storage_map',
  inode_storage: 'bpf_local_storage_map',
  task_storage: 'bpf_local_storage_map',
  cgrp_storage: 'bpf_local_storage_map',
  bloom_filter: 'bpf_bloom_filter',
  struct_ops: 'bpf_struct_ops_map',
  arena: 'bpf_arena',
};

/** check_ptr_to_map_access: the fields of struct bpf_map and of the map types' own structs may be read. */
export function checkPtrToMapAccess(
  env: Env,
  regno: number,
  off: number,
  size: number,
  type: number,
  valueRegno: number,
): void {
  const regs = env.curRegs();
  const reg = regs[regno] as RegState;
  const mapType = reg.map?.type ?? 'unspec';
  const btf = env.vmlinux;
  const id = btf.find(MAP_STRUCTS[mapType] ?? '', 'struct');
  if (!id) env.reject(errno.ENOTSUPP, msg.mapPtrType(mapTypes.indexOf(mapType)));
  const name = btf.name(id);
  if (!env.allowPtrLeaks) env.reject(errno.EPERM, msg.btfCaps(name));
  if (off < 0) env.reject(errno.EACCES, msg.mapPtrNegative(regno, name, off));
  if (type !== BPF_READ) env.reject(errno.EACCES, msg.mapPtrWrite(name));
  const pointer = new RegState();
  pointer.markPointer(PTR_TO_BTF_ID);
  pointer.btf = btf;
  pointer.btfId = id;
  const result = btfStructAccess(env, pointer, btf, off, size);
  if (valueRegno >= 0) markLoaded(env, regs, valueRegno, result, btf, walk.btfId, walk.flag);
}

/** Kernel structs whose last reference is dropped after a grace period (rcu_protected_types). */
const RCU_PROTECTED = new Set(['prog_test_ref_kfunc', 'cgroup', 'bpf_cpumask', 'task_struct', 'bpf_crypto_ctx']);

/** btf_ld_kptr_type: what a kptr read from a map value is. */
function loadedKptrFlags(env: Env, field: BtfField): number {
  const { kptr } = field;
  if (!kptr) return PTR_MAYBE_NULL | PTR_UNTRUSTED;
  const safe =
    field.type === BPF_KPTR_PERCPU ||
    (field.type === BPF_KPTR_REF && (!kptr.kernel || RCU_PROTECTED.has(kptr.btf.name(kptr.btfId))));
  if (!safe || !inRcuCs(env)) return PTR_MAYBE_NULL | PTR_UNTRUSTED;
  let flags = PTR_MAYBE_NULL | MEM_RCU;
  if (field.type === BPF_KPTR_PERCPU) flags |= MEM_PERCPU;
  else if (!kptr.kernel) flags |= MEM_ALLOC;
  const record = kptr.kernel ? undefined : env.structMetas.get(kptr.btfId);
  if (record && record.fieldMask & BPF_GRAPH_NODE) flags |= NON_OWN_REF;
  return flags;
}

/** check_map_kptr_access: a load or store of a whole kptr field. */
export function checkMapKptrAccess(env: Env, valueRegno: number, insnIdx: number, field: BtfField): void {
  const insn = env.insn(insnIdx);
  const cls = classOf(insn.code);
  if (modeOf(insn.code) !== BPF_MEM) env.reject(errno.EACCES, msg.kptrMode());
  if (cls !== BPF_LDX && field.type & (BPF_KPTR_REF | BPF_KPTR_PERCPU)) env.reject(errno.EACCES, msg.kptrStore());
  if (cls !== BPF_LDX && field.type === BPF_UPTR) env.reject(errno.EACCES, msg.uptrStore());
  const { kptr } = field;
  if (!kptr) return;
  const regs = env.curRegs();
  if (cls === BPF_LDX) {
    if (field.type === BPF_UPTR) {
      markRegKnownZero(env, regs, valueRegno);
      const reg = regs[valueRegno] as RegState;
      reg.type = PTR_TO_MEM | PTR_MAYBE_NULL;
      reg.memSize = (kptr.btf.type(kptr.btfId) as BtfStruct).size;
      reg.id = ++env.idGen;
    } else {
      markBtfLdReg(env, regs, valueRegno, PTR_TO_BTF_ID, kptr.btf, kptr.btfId, loadedKptrFlags(env, field));
    }
  } else if (cls === BPF_STX) {
    const value = regs[valueRegno] as RegState;
    if (registerIsNull(value)) return;
    const reason = mapKptrMatchType(env, field, value, valueRegno);
    if (reason) env.reject(errno.EACCES, reason);
  } else if (insn.imm) {
    // BPF_ST: the other classes with this mode do not access memory.
    env.reject(errno.EACCES, msg.kptrImm(field.offset));
  }
}

/** map_kptr_match_type: may `reg` go into the field? null, or why not. Rejects for what __check_ptr_off_reg finds. */
export function mapKptrMatchType(env: Env, field: BtfField, reg: RegState, regno: number): string | null {
  const { kptr } = field;
  if (!kptr) return null;
  const name = reg.btf && baseType(reg.type) === PTR_TO_BTF_ID ? reg.btf.name(reg.btfId) : '';
  const wrong = (withName: boolean): string => {
    const target = kptr.btf.name(kptr.btfId);
    const expected = `${regTypeStr(PTR_TO_BTF_ID)}${target}`;
    const or = field.type === BPF_KPTR_UNREF ? ` or ${regTypeStr(PTR_TO_BTF_ID | PTR_UNTRUSTED)}${target}` : '';
    return msg.kptrType(regno, `${regTypeStr(reg.type)}${withName ? name : ''}`, `${expected}${or}`);
  };
  if (baseType(reg.type) !== PTR_TO_BTF_ID || !reg.btf) return wrong(false);
  let allowed: number;
  if (reg.btf === env.vmlinux) {
    allowed = PTR_MAYBE_NULL | PTR_TRUSTED | MEM_RCU;
    if (field.type === BPF_KPTR_UNREF) allowed |= PTR_UNTRUSTED;
  } else {
    allowed = PTR_MAYBE_NULL | MEM_ALLOC;
    if (field.type === BPF_KPTR_PERCPU) allowed |= MEM_PERCPU;
  }
  if (typeFlag(reg.type) & ~allowed) return wrong(false);
  if ((field.type === BPF_KPTR_PERCPU) !== ((reg.type & MEM_PERCPU) !== 0)) return wrong(false);
  checkPtrOffReg(env, reg, regno, true);
  const strict = field.type !== BPF_KPTR_UNREF;
  const flex = !(reg.type & MEM_ALLOC);
  if (!btfStructIdsMatch(env, reg.btf, reg.btfId, reg.off, kptr.btf, kptr.btfId, strict, flex)) return wrong(true);
  return null;
}
