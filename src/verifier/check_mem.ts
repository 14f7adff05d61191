/** Memory accesses (check_mem_access) and the instructions that make them. */
import {
  baseType,
  CONST_PTR_TO_MAP,
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_TP_BUFFER,
  PTR_TO_XDP_SOCK,
  PTR_UNTRUSTED,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { BPF_KPTR, BPF_UPTR, btfRecordFind } from '../kernel/bpf/btf_record.ts';
import { BPF_F_RDONLY_PROG } from '../uapi/bpf.ts';
import { sockCommonTable, sockTable, tcpSockTable, xdpSockTable } from '../uapi/ctx/sock.ts';
import { type CtxTable, ctxAccess } from '../uapi/ctx/table.ts';
import { errno } from '../uapi/errno.ts';
import {
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_MEMSX,
  BPF_STORE_REL,
  BPF_W,
  bytesOf,
  modeOf,
  sizeOf,
} from '../uapi/insn.ts';
import { checkMapKptrAccess, checkPtrToBtfAccess, checkPtrToMapAccess } from './check_btf_access.ts';
import {
  ACCESS_DIRECT,
  BPF_READ,
  BPF_WRITE,
  checkBufferAccess,
  checkFlowKeysAccess,
  checkMapAccess,
  checkMapAccessType,
  checkMemRegionAccess,
  checkPacketAccess,
  checkPtrAlignment,
  checkTpBufferAccess,
} from './check_region.ts';
import { AccessInfo, checkCtxAccess, checkCtxOffset } from './ctx_access.ts';
import type { Env, Insn } from './env.ts';
import { funcRetvalRange } from './lsm_retval.ts';
import type { VerifierMap } from './maps.ts';
import { msg } from './messages.ts';
import { mayAccessDirectPktData } from './pkt_access.ts';
import { RANGE_ZERO, range } from './range.ts';
import { DEF_NOT_SUBREG, type RegState } from './reg_state.ts';
import { regTypeStr } from './reg_type_str.ts';
import {
  checkRegArg,
  DST_OP,
  DST_OP_NO_MARK,
  isPointerValue,
  markRegKnownZero,
  markRegUnknown,
  SRC_OP,
} from './regs.ts';
import { checkStackAccessWithinBounds } from './stack.ts';
import { checkStackRead } from './stack_read.ts';
import { checkStackWrite } from './stack_write.ts';

export { BPF_READ, BPF_WRITE };

const info = new AccessInfo();

/**
 * check_mem_access: may the instruction access memory through register `regno` at `off`? A load leaves its result in
 * `valueRegno`.
 * @param bpfSize - BPF_SIZE(code)
 * @param valueRegno - register stored or loaded; -1: a constant or unknown value
 */
export function checkMemAccess(
  env: Env,
  insnIdx: number,
  regno: number,
  offset: number,
  bpfSize: number,
  type: number,
  valueRegno: number,
  strictAlignmentOnce: boolean,
  isLdsx: boolean,
): void {
  const regs = env.curRegs();
  const reg = regs[regno] as RegState;
  const size = bytesOf(bpfSize);
  checkPtrAlignment(env, reg, offset, size, strictAlignmentOnce);
  const off = offset + reg.off;
  const load = type === BPF_READ && valueRegno >= 0;
  /** Rejects stores of pointers where the program may not leak them. */
  const leak = (what: string): void => {
    if (type === BPF_WRITE && valueRegno >= 0 && isPointerValue(env.allowPtrLeaks, regs[valueRegno] as RegState)) {
      env.reject(errno.EACCES, msg.leaksInto(valueRegno, what));
    }
  };
  switch (baseType(reg.type)) {
    case PTR_TO_STACK:
      if (reg.type !== PTR_TO_STACK) invalid(env, regno, reg);
      checkStackAccessWithinBounds(env, regno, off, size, type);
      if (type === BPF_READ) checkStackRead(env, regno, off, size, valueRegno);
      else checkStackWrite(env, regno, off, size, valueRegno, insnIdx);
      break;
    case PTR_TO_MAP_VALUE:
      if (reg.type !== PTR_TO_MAP_VALUE) invalid(env, regno, reg);
      leak('map');
      mapValueAccess(env, insnIdx, regno, off, size, type, valueRegno, isLdsx);
      break;
    case PTR_TO_MAP_KEY:
      if (reg.type !== PTR_TO_MAP_KEY) invalid(env, regno, reg);
      if (type === BPF_WRITE) env.reject(errno.EACCES, msg.keyWrite(regno));
      checkMemRegionAccess(env, regno, off, size, reg.map?.keySize ?? 0, false);
      if (load) markRegUnknown(env, regs, valueRegno);
      break;
    case PTR_TO_MEM: {
      const readOnly = (reg.type & MEM_RDONLY) !== 0;
      if (reg.type & PTR_MAYBE_NULL) invalid(env, regno, reg);
      if (type === BPF_WRITE && readOnly) env.reject(errno.EACCES, msg.cannotWrite(regno, regTypeStr(reg.type)));
      leak('mem');
      if (!readOnly || !(reg.type & PTR_UNTRUSTED)) checkMemRegionAccess(env, regno, off, size, reg.memSize, false);
      if (valueRegno >= 0 && (type === BPF_READ || readOnly)) markRegUnknown(env, regs, valueRegno);
      break;
    }
    case PTR_TO_CTX:
      if (reg.type !== PTR_TO_CTX) invalid(env, regno, reg);
      leak('ctx');
      checkCtxAccess(env, checkCtxOffset(env, reg, regno, off, size), size, type, isLdsx, info);
      if (load) markCtxLoad(env, valueRegno);
      break;
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      if (type === BPF_WRITE && !mayAccessDirectPktData(env, BPF_WRITE)) env.reject(errno.EACCES, msg.packetWrite());
      leak('packet');
      checkPacketAccess(env, regno, off, size, false);
      if (load) markRegUnknown(env, regs, valueRegno);
      break;
    case PTR_TO_FLOW_KEYS:
      leak('flow keys');
      checkFlowKeysAccess(env, off, size);
      if (load) markRegUnknown(env, regs, valueRegno);
      break;
    case PTR_TO_SOCKET:
    case PTR_TO_SOCK_COMMON:
    case PTR_TO_TCP_SOCK:
    case PTR_TO_XDP_SOCK:
      if (reg.type & PTR_MAYBE_NULL) invalid(env, regno, reg);
      if (type === BPF_WRITE) env.reject(errno.EACCES, msg.cannotWrite(regno, regTypeStr(reg.type)));
      checkSockAccess(env, regno, off, size);
      if (valueRegno >= 0) markRegUnknown(env, regs, valueRegno);
      break;
    case PTR_TO_TP_BUFFER:
      checkTpBufferAccess(env, reg, regno, off, size);
      if (load) markRegUnknown(env, regs, valueRegno);
      break;
    case PTR_TO_BTF_ID:
      if (reg.type & PTR_MAYBE_NULL) invalid(env, regno, reg);
      checkPtrToBtfAccess(env, regno, off, size, type, valueRegno);
      break;
    case CONST_PTR_TO_MAP:
      if (reg.type !== CONST_PTR_TO_MAP) invalid(env, regno, reg);
      checkPtrToMapAccess(env, regno, off, size, type, valueRegno);
      break;
    case PTR_TO_BUF: {
      const readOnly = (reg.type & MEM_RDONLY) !== 0;
      if (reg.type & PTR_MAYBE_NULL) invalid(env, regno, reg);
      if (readOnly && type === BPF_WRITE) env.reject(errno.EACCES, msg.cannotWrite(regno, regTypeStr(reg.type)));
      checkBufferAccess(env, reg, regno, off, size);
      if (valueRegno >= 0 && (readOnly || type === BPF_READ)) markRegUnknown(env, regs, valueRegno);
      break;
    }
    case PTR_TO_ARENA:
      if (load) markRegUnknown(env, regs, valueRegno);
      break;
    default:
      invalid(env, regno, reg);
  }
  if (size < 8 && load) {
    const value = regs[valueRegno] as RegState;
    if (value.type === SCALAR_VALUE) value.val = isLdsx ? range.sext64(value.val, size) : range.zext(value.val, size);
  }
}

function invalid(env: Env, regno: number, reg: RegState): never {
  env.reject(errno.EACCES, msg.invalidMem(regno, regTypeStr(reg.type)));
}

function mapValueAccess(
  env: Env,
  insnIdx: number,
  regno: number,
  off: number,
  size: number,
  type: number,
  valueRegno: number,
  isLdsx: boolean,
): void {
  const regs = env.curRegs();
  const reg = regs[regno] as RegState;
  const map = reg.map as VerifierMap;
  checkMapAccessType(env, regno, off, size, type);
  checkMapAccess(env, regno, off, size, false, ACCESS_DIRECT);
  const known = range.isConst(reg.val) !== 0;
  const at = known ? off + range.valueF(reg.val) : 0;
  const kptr = known && map.record ? btfRecordFind(map.record, at, BPF_KPTR | BPF_UPTR) : null;
  if (kptr) {
    checkMapKptrAccess(env, valueRegno, insnIdx, kptr);
  } else if (type === BPF_READ && valueRegno >= 0) {
    if (known && map.flags & BPF_F_RDONLY_PROG && map.frozen && map.data && map.type === 'array') {
      (regs[valueRegno] as RegState).markKnown(directRead(map.data, at, size, isLdsx));
    } else {
      markRegUnknown(env, regs, valueRegno);
    }
  }
}

/** bpf_map_direct_read: contents of a map that cannot change. Bytes past the data are zero. */
function directRead(data: Uint8Array, off: number, size: number, signExtend: boolean): number {
  const byte = (i: number): number => (i < size ? (data[off + i] ?? 0) : 0);
  const word = (i: number): number => byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24);
  const low = word(0);
  if (size === 8) return range.known(low, word(4));
  if (!signExtend) return range.known(low, 0);
  const shift = 32 - size * 8;
  const value = (low << shift) >> shift;
  return range.known(value, value >> 31);
}

/** What a load of the context gives: a number, or a pointer at offset 0. */
function markCtxLoad(env: Env, valueRegno: number): void {
  const regs = env.curRegs();
  const reg = regs[valueRegno] as RegState;
  if (info.regType === SCALAR_VALUE) {
    markRegUnknown(env, regs, valueRegno);
    const bounds = info.isRetval ? funcRetvalRange(env) : null;
    if (bounds) reg.val = range.boundS32(reg.val, bounds.min, bounds.max);
    return;
  }
  markRegKnownZero(env, regs, valueRegno);
  if (info.regType & PTR_MAYBE_NULL) reg.id = ++env.idGen;
  reg.subregDef = DEF_NOT_SUBREG;
  if (baseType(info.regType) === PTR_TO_BTF_ID) {
    reg.btf = info.btf;
    reg.btfId = info.btfId;
    reg.refObjId = info.refObjId;
  }
  reg.type = info.regType;
}

const SOCK_TABLES: ReadonlyMap<number, CtxTable> = new Map([
  [PTR_TO_SOCK_COMMON, sockCommonTable],
  [PTR_TO_SOCKET, sockTable],
  [PTR_TO_TCP_SOCK, tcpSockTable],
  [PTR_TO_XDP_SOCK, xdpSockTable],
]);

/** check_sock_access */
function checkSockAccess(env: Env, regno: number, off: number, size: number): void {
  const reg = env.curRegs()[regno] as RegState;
  if (reg.val !== RANGE_ZERO && range.sminF(reg.val) < 0) env.reject(errno.EACCES, msg.regionNegative(regno));
  const table = SOCK_TABLES.get(reg.type);
  const hit = table && ctxAccess(table, off, size, false, false, null);
  if (!hit) env.reject(errno.EACCES, msg.sockAccess(regno, regTypeStr(reg.type), off, size));
}

/** BPF_LDX. */
export function checkLoadMem(env: Env, insn: Insn): void {
  loadMem(env, insn, false, modeOf(insn.code) === BPF_MEMSX, true);
}

function loadMem(env: Env, insn: Insn, strict: boolean, isLdsx: boolean, allowTrustMismatch: boolean): void {
  const regs = env.curRegs();
  checkRegArg(env, insn.src, SRC_OP, regs);
  checkRegArg(env, insn.dst, DST_OP_NO_MARK, regs);
  const { type } = regs[insn.src] as RegState;
  checkMemAccess(env, env.insnIdx, insn.src, insn.off, sizeOf(insn.code), BPF_READ, insn.dst, strict, isLdsx);
  saveAuxPtrType(env, type, allowTrustMismatch);
}

/** BPF_STX with BPF_MEM. */
export function checkStoreReg(env: Env, insn: Insn): void {
  storeReg(env, insn, false);
}

function storeReg(env: Env, insn: Insn, strict: boolean): void {
  const regs = env.curRegs();
  checkRegArg(env, insn.src, SRC_OP, regs);
  checkRegArg(env, insn.dst, SRC_OP, regs);
  const { type } = regs[insn.dst] as RegState;
  checkMemAccess(env, env.insnIdx, insn.dst, insn.off, sizeOf(insn.code), BPF_WRITE, insn.src, strict, false);
  saveAuxPtrType(env, type, false);
}

/** Atomics that read, change and write back; with or without BPF_FETCH, 0xe1 and 0xf1 being xchg and cmpxchg. */
const RMW = new Set([0x00, 0x01, 0x50, 0x51, 0x40, 0x41, 0xa0, 0xa1, 0xe1, 0xf1]);

/** BPF_STX with BPF_ATOMIC. */
export function checkAtomic(env: Env, insn: Insn): void {
  if (RMW.has(insn.imm)) {
    checkAtomicRmw(env, insn);
  } else if (insn.imm === BPF_LOAD_ACQ && env.has('load_acquire')) {
    loadMem(env, insn, true, false, false);
    if (!atomicPtrTypeOk(env, insn.src)) env.reject(errno.EACCES, msg.atomicLoad(insn.src, typeOf(env, insn.src)));
  } else if (insn.imm === BPF_STORE_REL && env.has('load_acquire')) {
    storeReg(env, insn, true);
    if (!atomicPtrTypeOk(env, insn.dst)) env.reject(errno.EACCES, msg.atomicStore(insn.dst, typeOf(env, insn.dst)));
  } else {
    env.reject(errno.EINVAL, msg.atomicOpcode(insn.imm));
  }
}

function typeOf(env: Env, regno: number): string {
  return regTypeStr((env.curRegs()[regno] as RegState).type);
}

const ATOMIC_FORBIDDEN = new Set([
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
]);

/** atomic_ptr_type_ok */
function atomicPtrTypeOk(env: Env, regno: number): boolean {
  return !ATOMIC_FORBIDDEN.has((env.curRegs()[regno] as RegState).type);
}

function checkAtomicRmw(env: Env, insn: Insn): void {
  const regs = env.curRegs();
  const size = sizeOf(insn.code);
  if (size !== BPF_W && size !== BPF_DW) env.reject(errno.EINVAL, msg.atomicSize());
  checkRegArg(env, insn.src, SRC_OP, regs);
  checkRegArg(env, insn.dst, SRC_OP, regs);
  if (insn.imm === BPF_CMPXCHG) {
    checkRegArg(env, 0, SRC_OP, regs);
    if (isPointerValue(env.allowPtrLeaks, regs[0] as RegState)) env.reject(errno.EACCES, msg.leaksInto(0, 'mem'));
  }
  if (isPointerValue(env.allowPtrLeaks, regs[insn.src] as RegState)) {
    env.reject(errno.EACCES, msg.leaksInto(insn.src, 'mem'));
  }
  if (!atomicPtrTypeOk(env, insn.dst)) env.reject(errno.EACCES, msg.atomicStore(insn.dst, typeOf(env, insn.dst)));
  let loaded = -1;
  if (insn.imm & BPF_FETCH) {
    loaded = insn.imm === BPF_CMPXCHG ? 0 : insn.src;
    checkRegArg(env, loaded, DST_OP, regs);
  }
  const access = (type: number, valueRegno: number): void =>
    checkMemAccess(env, env.insnIdx, insn.dst, insn.off, size, type, valueRegno, true, false);
  access(BPF_READ, -1);
  if (loaded >= 0) access(BPF_READ, loaded);
  if ((regs[insn.dst] as RegState).type === PTR_TO_ARENA) saveAuxPtrType(env, PTR_TO_ARENA, false);
  access(BPF_WRITE, -1);
}

const NO_MIX = new Set([
  PTR_TO_CTX,
  PTR_TO_SOCKET,
  PTR_TO_SOCK_COMMON,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_TO_BTF_ID,
  PTR_TO_ARENA,
]);

/** save_aux_ptr_type: paths that reach one instruction with different kinds of pointers are rejected. */
export function saveAuxPtrType(env: Env, type: number, allowTrustMismatch: boolean): void {
  const { ptrType } = env.aux;
  const previous = ptrType[env.insnIdx] as number;
  if (previous === 0) {
    ptrType[env.insnIdx] = type;
    return;
  }
  if (type === previous || (!NO_MIX.has(baseType(type)) && !NO_MIX.has(baseType(previous)))) return;
  const memOrBtf = (t: number): boolean => baseType(t) === PTR_TO_MEM || baseType(t) === PTR_TO_BTF_ID;
  if (!allowTrustMismatch || !memOrBtf(type) || !memOrBtf(previous)) {
    env.reject(errno.EINVAL, msg.differentPointers());
  }
  const both = type | previous;
  const mem = baseType(type) === PTR_TO_MEM || baseType(previous) === PTR_TO_MEM;
  ptrType[env.insnIdx] = (mem ? PTR_TO_MEM : PTR_TO_BTF_ID) | (both & (PTR_UNTRUSTED | MEM_RDONLY));
}
