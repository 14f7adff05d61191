/** Bounds and alignment of one access, by what the register points to (check_mem_region_access, check_ptr_alignment ...). */
import {
  MEM_RDONLY,
  PTR_TO_ARENA,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
} from '../kernel/bpf/bpf.ts';
import { BPF_KPTR, BPF_UPTR, btfFieldTypeName } from '../kernel/bpf/btf_record.ts';
import { BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { BPF_MAX_VAR_OFF } from './limits.ts';
import { msg } from './messages.ts';
import { RANGE_ZERO, range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { insnOff, regTypeStr, varOffStr } from './reg_type_str.ts';

export const BPF_READ = 1;
export const BPF_WRITE = 2;

/** enum bpf_access_src. */
export const ACCESS_DIRECT = 1;
export const ACCESS_HELPER = 2;

const S64_MIN = -(2 ** 63);

/** __check_mem_access: [off, off + size) within memSize; null or the reason. */
function outside(
  env: Env,
  regno: number,
  off: number,
  size: number,
  memSize: number,
  zeroSizeAllowed: boolean,
): string | null {
  if (off >= 0 && (size > 0 || (size === 0 && zeroSizeAllowed)) && off + size <= memSize) return null;
  const reg = env.curRegs()[regno] as RegState;
  switch (reg.type) {
    case PTR_TO_MAP_KEY:
      return msg.outsideMapKey(memSize, off, size);
    case PTR_TO_MAP_VALUE:
      return msg.outsideMapValue(memSize, off, size);
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET_END:
      return msg.outsidePacket(off, size, regno, reg.id, memSize);
    default:
      return msg.outsideMem(memSize, off, size);
  }
}

/** check_mem_region_access: the register's whole range of offsets stays inside. */
export function checkMemRegionAccess(
  env: Env,
  regno: number,
  off: number,
  size: number,
  memSize: number,
  zeroSizeAllowed: boolean,
): void {
  const reg = env.curRegs()[regno] as RegState;
  const { val } = reg;
  if (reg.off < 0 && range.sminF(val) + off < 0 && env.has('fixed_offset_in_var_off')) {
    env.reject(errno.EACCES, msg.regionNegative(regno));
  }
  if (val === RANGE_ZERO) {
    const reason = outside(env, regno, off, size, memSize, zeroSizeAllowed);
    if (reason) env.reject(errno.EACCES, reason, msg.regionMin(regno));
    return;
  }
  const smin = range.sminF(val);
  if (smin < 0 && (smin === S64_MIN || off + smin !== ((off + smin) | 0) || smin + off < 0)) {
    env.reject(errno.EACCES, msg.regionNegative(regno));
  }
  const low = outside(env, regno, (smin + off) | 0, size, memSize, zeroSizeAllowed);
  if (low) env.reject(errno.EACCES, low, msg.regionMin(regno));
  const umax = range.umaxF(val);
  if (umax >= BPF_MAX_VAR_OFF) env.reject(errno.EACCES, msg.regionUnbounded(regno));
  const high = outside(env, regno, (umax + off) | 0, size, memSize, zeroSizeAllowed);
  if (high) env.reject(errno.EACCES, high, msg.regionMax(regno));
}

/** check_packet_access */
export function checkPacketAccess(env: Env, regno: number, off: number, size: number, zeroSizeAllowed: boolean): void {
  const reg = env.curRegs()[regno] as RegState;
  if (range.sminF(reg.val) < 0) env.reject(errno.EACCES, msg.regionNegative(regno));
  if (reg.pktRange < 0) env.reject(errno.EINVAL, msg.outsidePacketRange(regno));
  const reason = outside(env, regno, off, size, reg.pktRange, zeroSizeAllowed);
  if (reason) env.reject(errno.EACCES, reason, msg.outsidePacketRange(regno));
}

/** check_map_access_type */
export function checkMapAccessType(env: Env, regno: number, off: number, size: number, type: number): void {
  const map = (env.curRegs()[regno] as RegState).map;
  if (!map) return;
  if (type === BPF_WRITE && map.flags & BPF_F_RDONLY_PROG) {
    env.reject(errno.EACCES, msg.mapWriteForbidden(map.valueSize, off, size));
  }
  if (type === BPF_READ && map.flags & BPF_F_WRONLY_PROG) {
    env.reject(errno.EACCES, msg.mapReadForbidden(map.valueSize, off, size));
  }
}

/** check_map_access: inside the value, and off its special fields. */
export function checkMapAccess(
  env: Env,
  regno: number,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
  source: number,
): void {
  const reg = env.curRegs()[regno] as RegState;
  const { map, val } = reg;
  if (!map) return;
  checkMemRegionAccess(env, regno, off, size, map.valueSize, zeroSizeAllowed);
  if (!map.record) return;
  const first = range.sminF(val) + off;
  const end = range.umaxF(val) + off + size;
  for (const field of map.record.fields) {
    if (first >= field.offset + field.size || field.offset >= end) continue;
    const name = btfFieldTypeName(field.type);
    if (!(field.type & (BPF_KPTR | BPF_UPTR))) env.reject(errno.EACCES, msg.fieldDirect(name));
    if (source !== ACCESS_DIRECT) env.reject(errno.EACCES, msg.fieldIndirect(name));
    if (!range.isConst(val)) env.reject(errno.EACCES, msg.fieldVariable(name));
    const at = off + range.valueF(val);
    if (field.offset !== at) env.reject(errno.EACCES, msg.fieldMisaligned(name, field.offset, at));
    if (size !== 8) env.reject(errno.EACCES, msg.fieldSize(name));
  }
}

/** check_buffer_access and check_tp_buffer_access. */
export function checkBufferAccess(env: Env, reg: RegState, regno: number, off: number, size: number): void {
  const info = reg.type & MEM_RDONLY ? 'rdonly' : 'rdwr';
  checkBuffer(env, info, reg, regno, off, size);
}

export function checkTpBufferAccess(env: Env, reg: RegState, regno: number, off: number, size: number): void {
  checkBuffer(env, 'tracepoint', reg, regno, off, size);
}

function checkBuffer(env: Env, info: string, reg: RegState, regno: number, off: number, size: number): void {
  if (off < 0) env.reject(errno.EACCES, msg.bufferNegative(regno, info, off, size));
  if (reg.val !== RANGE_ZERO)
    env.reject(errno.EACCES, msg.bufferVariable(regno, insnOff(env, reg, off), varOffStr(env, reg)));
}

/** check_flow_keys_access: struct bpf_flow_keys has 56 bytes. */
export function checkFlowKeysAccess(env: Env, off: number, size: number): void {
  if (off < 0 || off + size > FLOW_KEYS_SIZE) env.reject(errno.EACCES, msg.flowKeys(off, size));
}
const FLOW_KEYS_SIZE = 56;

/** Types whose accesses are described in alignment messages. Others have no name there. */
const ALIGNMENT_NAMES: ReadonlyMap<number, string> = new Map([
  [PTR_TO_FLOW_KEYS, 'flow keys '],
  [PTR_TO_MAP_KEY, 'key '],
  [PTR_TO_MAP_VALUE, 'value '],
  [PTR_TO_CTX, 'context '],
  [PTR_TO_STACK, 'stack '],
  [PTR_TO_SOCKET, 'sock '],
  [PTR_TO_SOCK_COMMON, 'sock_common '],
  [PTR_TO_TCP_SOCK, 'tcp_sock '],
  [PTR_TO_XDP_SOCK, 'xdp_sock '],
]);
const NET_IP_ALIGN = 2;

/** check_ptr_alignment: only the stack, atomics and BPF_F_STRICT_ALIGNMENT are strict on x86. */
export function checkPtrAlignment(env: Env, reg: RegState, off: number, size: number, strictOnce: boolean): void {
  const { type } = reg;
  const strict = strictOnce || env.strictAlignment || type === PTR_TO_STACK;
  if (!strict || size === 1 || type === PTR_TO_ARENA) return;
  if (type === PTR_TO_PACKET || type === PTR_TO_PACKET_META) {
    if (range.isAligned(reg.val, NET_IP_ALIGN + reg.off + off, size)) return;
    env.reject(errno.EACCES, msg.misalignedPacket(NET_IP_ALIGN, varOffStr(env, reg), reg.off, off, size));
  }
  if (range.isAligned(reg.val, reg.off + off, size)) return;
  const name = ALIGNMENT_NAMES.get(type) ?? '';
  env.reject(errno.EACCES, msg.misaligned(name, varOffStr(env, reg), reg.off, off, size));
}

/** __check_ptr_off_reg: the pointer is in its original form, or at a fixed offset where that is allowed. */
export function checkPtrOffReg(env: Env, reg: RegState, regno: number, fixedOffOk = false): void {
  if (reg.off < 0) env.reject(errno.EACCES, msg.ptrNegative(regTypeStr(reg.type), regno, reg.off));
  if (!fixedOffOk && reg.off) env.reject(errno.EACCES, msg.ptrModified(regTypeStr(reg.type), regno, reg.off));
  if (reg.val !== RANGE_ZERO) env.reject(errno.EACCES, msg.ptrVariable(regTypeStr(reg.type), varOffStr(env, reg)));
}
