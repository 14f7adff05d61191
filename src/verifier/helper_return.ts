/** R0 after a helper: what the prototype's return type says, references acquired, bounds known (from check_helper_call). */
import type { Btf } from '../btf/btf.ts';
import {
  baseType,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  NOT_INIT,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  RET_INTEGER,
  RET_PTR_TO_BTF_ID,
  RET_PTR_TO_MAP_VALUE,
  RET_PTR_TO_MEM,
  RET_PTR_TO_MEM_OR_BTF_ID,
  RET_PTR_TO_SOCK_COMMON,
  RET_PTR_TO_SOCKET,
  RET_PTR_TO_TCP_SOCK,
  RET_VOID,
  typeFlag,
} from '../kernel/bpf/bpf.ts';
import { BPF_KPTR_PERCPU, BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK } from '../kernel/bpf/btf_record.ts';
import { errno } from '../uapi/errno.ts';
import { canElideValueNullness } from './check_func_arg.ts';
import type { HelperCall } from './check_helper_call.ts';
import { msg } from './messages.ts';
import { range, rangeS64 } from './range.ts';
import { acquireReference } from './refs.ts';
import { DEF_NOT_SUBREG, type RegState } from './reg_state.ts';
import { CALLER_SAVED_REGS, markRegUnknown } from './regs.ts';

const MAX_ERRNO = 4095;

const CASTS: ReadonlySet<string> = new Set([
  'tcp_sock',
  'sk_fullsock',
  'skc_to_tcp_sock',
  'skc_to_tcp6_sock',
  'skc_to_udp6_sock',
  'skc_to_mptcp_sock',
  'skc_to_tcp_timewait_sock',
  'skc_to_tcp_request_sock',
]);
const ACQUIRES: ReadonlySet<string> = new Set([
  'sk_lookup_tcp',
  'sk_lookup_udp',
  'skc_lookup_tcp',
  'ringbuf_reserve',
  'kptr_xchg',
]);
const RETURNS_LENGTH: ReadonlySet<string> = new Set([
  'get_stack',
  'get_task_stack',
  'probe_read_str',
  'probe_read_kernel_str',
  'probe_read_user_str',
]);

/** Sets R0 and forgets R1 to R5. */
export function helperReturn(call: HelperCall): void {
  const { env, proto, meta, insnIdx } = call;
  const regs = env.curRegs();
  for (let i = 0; i < CALLER_SAVED_REGS; i++) {
    const reg = regs[i] as RegState;
    reg.markNotInit();
    reg.subregDef = DEF_NOT_SUBREG;
    env.markRegScratched(i);
  }
  const r0 = regs[0] as RegState;
  const flag = typeFlag(proto.ret);
  if (proto.ret === RET_INTEGER) markRegUnknown(env, regs, 0);
  else if (baseType(proto.ret) === RET_VOID) r0.type = NOT_INIT;
  else RETURNS[baseType(proto.ret)]?.(call, r0, flag);
  if (r0.type & PTR_MAYBE_NULL) r0.id = ++env.idGen;
  const name = meta.funcName;
  if (name === 'dynptr_data') r0.dynptrId = meta.dynptrId;
  if (CASTS.has(name) || name === 'dynptr_data') {
    r0.refObjId = meta.refObjId;
  } else if (ACQUIRES.has(name) || (name === 'map_lookup_elem' && isSockMap(meta.map?.type))) {
    const id = acquireReference(env, insnIdx);
    r0.id = id;
    r0.refObjId = id;
  }
  refineRetval(call, r0);
}

function isSockMap(type: string | undefined): boolean {
  return type === 'sockmap' || type === 'sockhash';
}

/** do_refine_retval_range */
function refineRetval({ env, meta, proto }: HelperCall, r0: RegState): void {
  if (proto.ret !== RET_INTEGER) return;
  if (RETURNS_LENGTH.has(meta.funcName)) {
    r0.val = range.boundS32(rangeS64(-MAX_ERRNO, meta.msizeMax), -MAX_ERRNO, meta.msizeMax);
  } else if (meta.funcName === 'get_smp_processor_id') {
    r0.val = rangeS64(0, env.nrCpuIds - 1);
  }
}

type Return = (call: HelperCall, r0: RegState, flag: number) => void;

function pointer(type: number): Return {
  return (_call, r0, flag) => {
    r0.markPointer(type | flag);
  };
}

/** By base return type. */
const RETURNS: Readonly<Record<number, Return>> = {
  [RET_PTR_TO_MAP_VALUE]: ({ env, meta }, r0, flag) => {
    const { map } = meta;
    if (!map) return;
    const found =
      meta.funcName === 'map_lookup_elem' &&
      canElideValueNullness(map) &&
      meta.constMapKey >= 0 &&
      meta.constMapKey < map.maxEntries;
    const type = PTR_TO_MAP_VALUE | (found ? flag & ~PTR_MAYBE_NULL : flag);
    r0.markPointer(type);
    r0.map = map;
    r0.mapUid = meta.mapUid;
    const locks = BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK;
    if (!(type & PTR_MAYBE_NULL) && (map.record?.fieldMask ?? 0) & locks) r0.id = ++env.idGen;
  },
  [RET_PTR_TO_SOCKET]: pointer(PTR_TO_SOCKET),
  [RET_PTR_TO_SOCK_COMMON]: pointer(PTR_TO_SOCK_COMMON),
  [RET_PTR_TO_TCP_SOCK]: pointer(PTR_TO_TCP_SOCK),
  [RET_PTR_TO_MEM]: ({ meta }, r0, flag) => {
    r0.markPointer(PTR_TO_MEM | flag);
    r0.memSize = meta.memSize;
  },
  [RET_PTR_TO_MEM_OR_BTF_ID]: memOrBtfId,
  [RET_PTR_TO_BTF_ID]: btfId,
};

/** bpf_per_cpu_ptr and bpf_this_cpu_ptr: what the per-CPU variable or object is. */
function memOrBtfId({ env, meta, percpuAlloc }: HelperCall, r0: RegState, flag: number): void {
  const btf = meta.retBtf as Btf;
  const id = btf.skipMods(meta.retBtfId);
  const kind = btf.kind(id);
  if (kind !== 'struct' && kind !== 'union') {
    const size = btf.size(id);
    if (size < 0) env.reject(errno.EINVAL, msg.typeSizeUnknown(btf.name(id), -errno.EINVAL));
    r0.markPointer(PTR_TO_MEM | flag);
    r0.memSize = size;
    return;
  }
  r0.markPointer(PTR_TO_BTF_ID | (percpuAlloc ? MEM_ALLOC | MEM_RCU : flag & ~MEM_RDONLY));
  r0.btf = btf;
  r0.btfId = meta.retBtfId;
}

function btfId({ env, meta, proto }: HelperCall, r0: RegState, flag: number): void {
  r0.markPointer(PTR_TO_BTF_ID | flag);
  const kptr = meta.kptrField?.kptr;
  if (meta.funcName === 'kptr_xchg' && kptr) {
    if (!kptr.kernel) {
      r0.type |= MEM_ALLOC;
      if (meta.kptrField?.type === BPF_KPTR_PERCPU) r0.type |= MEM_PERCPU;
    }
    r0.btf = kptr.btf;
    r0.btfId = kptr.btfId;
    return;
  }
  r0.btf = env.vmlinux;
  r0.btfId = proto.retBtfId ? env.vmlinux.find(proto.retBtfId, 'struct') : 0;
}
