/** ld_imm64 in all its meanings, and ld_abs/ld_ind. */
import type { BtfType } from '../btf/btf.ts';
import {
  CONST_PTR_TO_MAP,
  MEM_PERCPU,
  MEM_RDONLY,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_FUNC,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  type ProgType,
} from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import {
  BPF_ABS,
  BPF_DW,
  BPF_IMM,
  BPF_IND,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  classOf,
  isKnownCode,
  modeOf,
  sizeOf,
} from '../uapi/insn.ts';
import { checkPtrOffReg } from './check_region.ts';
import type { Env, Insn } from './env.ts';
import { forkAbnormalReturn } from './frames.ts';
import type { InsnAux } from './insn_aux.ts';
import { BPF_MAX_VAR_OFF } from './limits.ts';
import { checkMapOnce, checkMapProgCompatibility } from './map_prog.ts';
import type { VerifierMap } from './maps.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import { checkResourceLeak } from './refs.ts';
import type { RegState } from './reg_state.ts';
import {
  CALLER_SAVED_REGS,
  checkRegArg,
  DST_OP,
  DST_OP_NO_MARK,
  markRegKnownZero,
  markRegNotInit,
  markRegUnknown,
  SRC_OP,
} from './regs.ts';

const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
const MAX_USED_MAPS = 64;
const MAY_GOTO = 0xe5;

/** resolve_pseudo_ldimm64: before the walk; also rejects unknown opcodes and reserved fields. */
export function resolvePseudoLdimm64(env: Env): void {
  const used: VerifierMap[] = [];
  const count = env.insns.length;
  for (let i = 0; i < count; i++) {
    const insn = env.insn(i);
    env.insnIdx = i;
    const { code } = insn;
    if (
      classOf(code) === BPF_LDX &&
      ((modeOf(code) !== BPF_MEM && !(modeOf(code) === BPF_MEMSX && env.has('sign_extending_loads'))) || insn.imm !== 0)
    ) {
      env.reject(errno.EINVAL, msg.ldxReserved());
    }
    if (code !== LD_IMM64) {
      if (!isKnownCode(code) || (code === MAY_GOTO && !env.has('may_goto')))
        env.reject(errno.EINVAL, msg.unknownOpcode(code));
      continue;
    }
    const second = i + 1 < count ? env.insn(i + 1) : null;
    if (second?.code !== 0 || second.dst !== 0 || second.src !== 0 || second.off !== 0) {
      env.reject(errno.EINVAL, msg.ldImm64Invalid());
    }
    resolveOne(env, i, second, used);
    i++;
  }
  env.insnIdx = 0;
}

function resolveOne(env: Env, i: number, second: Insn, used: VerifierMap[]): void {
  const insn = env.insn(i);
  switch (insn.src) {
    case 0:
      return;
    case BPF_PSEUDO_BTF_ID:
      checkPseudoBtfId(env, insn, second, env.aux.of(i));
      return;
    case BPF_PSEUDO_FUNC:
      env.aux.ptrType[i] = PTR_TO_FUNC;
      return;
    case BPF_PSEUDO_MAP_FD:
    case BPF_PSEUDO_MAP_IDX:
      if (second.imm !== 0) env.reject(errno.EINVAL, msg.ldImm64Unrecognized());
      break;
    case BPF_PSEUDO_MAP_VALUE:
    case BPF_PSEUDO_MAP_IDX_VALUE:
      break;
    default:
      env.reject(errno.EINVAL, msg.ldImm64Unrecognized());
  }
  // Maps have other file descriptors than those an object was compiled with: they are given at load, by index.
  if (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE) {
    env.reject(insn.imm >= 0 && insn.imm <= STDERR ? errno.EINVAL : errno.EBADF, msg.fdNoMap(insn.imm));
  }
  const map = env.maps[insn.imm];
  if (!map) env.reject(errno.EBADF, msg.fdNoMap(insn.imm));
  const aux = env.aux.of(i);
  aux.mapIndex = insn.imm;
  const isNew = !used.includes(map);
  if (isNew) {
    if (used.length >= MAX_USED_MAPS) env.reject(errno.E2BIG, msg.tooManyMaps(MAX_USED_MAPS));
    used.push(map);
    checkMapProgCompatibility(env, map);
  }
  if (insn.src === BPF_PSEUDO_MAP_IDX_VALUE) directValue(env, map, second.imm, aux);
  if (isNew) checkMapOnce(env, used, map);
}

const STDERR = 2;

/** An address inside the value of an array with one entry, or inside an arena. */
function directValue(env: Env, map: VerifierMap, offset: number, aux: InsnAux): void {
  const off = offset >>> 0;
  if (off >= BPF_MAX_VAR_OFF) env.reject(errno.EINVAL, msg.directOffset(off));
  if (map.type !== 'array' && map.type !== 'arena' && map.type !== 'percpu_array') {
    env.reject(errno.EINVAL, msg.directNone());
  }
  if (map.type === 'array' && map.maxEntries !== 1) {
    env.reject(errno.ENOTSUPP, msg.directRange(map.valueSize, off));
  }
  if (map.type === 'percpu_array') {
    if (map.maxEntries !== 1) env.reject(errno.EOPNOTSUPP, msg.directRange(map.valueSize, off));
    if (off >= map.valueSize) env.reject(errno.EINVAL, msg.directRange(map.valueSize, off));
  }
  if (map.type === 'array' && off >= map.valueSize) env.reject(errno.EINVAL, msg.directRange(map.valueSize, off));
  if (map.type === 'arena' && off >= map.maxEntries * PAGE_SIZE) {
    env.reject(errno.ERANGE, msg.directRange(map.valueSize, off));
  }
  aux.mapOff = off;
}
const PAGE_SIZE = 4096;

/** check_pseudo_btf_id: the address of a kernel variable or function. */
function checkPseudoBtfId(env: Env, insn: Insn, second: Insn, aux: InsnAux): void {
  const btf = env.vmlinux;
  const id = insn.imm;
  if (second.imm) env.reject(errno.EINVAL, msg.btfIdModule());
  const type: BtfType | null = id > 0 && id < btf.nrTypes ? btf.type(id) : null;
  if (!type) env.reject(errno.ENOENT, msg.btfIdUnknown(id));
  if (type.kind !== 'var' && type.kind !== 'func') env.reject(errno.EINVAL, msg.btfIdKind(id));
  if (type.kind === 'func') {
    aux.btfVarType = PTR_TO_MEM | MEM_RDONLY;
    aux.btfVarMemSize = 0;
    return;
  }
  const section = btf.find('.data..percpu', 'datasec');
  const percpu = section ? btf.type(section) : null;
  if (percpu?.kind === 'datasec' && percpu.vars.some((entry) => entry.type === id)) {
    aux.btfVarType = PTR_TO_BTF_ID | MEM_PERCPU;
    aux.btfVarId = type.type;
    return;
  }
  const target = btf.type(btf.skipMods(type.type));
  if (target.kind === 'struct' || target.kind === 'union') {
    aux.btfVarType = PTR_TO_BTF_ID;
    aux.btfVarId = type.type;
    return;
  }
  const size = btf.size(target.id);
  if (size < 0) env.reject(errno.EINVAL, msg.btfIdSize(target.name, -errno.EINVAL));
  aux.btfVarType = PTR_TO_MEM | MEM_RDONLY;
  aux.btfVarMemSize = size;
}

/** check_ld_imm */
export function checkLdImm(env: Env, insn: Insn): void {
  if (insn.off !== 0) env.reject(errno.EINVAL, msg.ldImmReserved());
  const regs = env.curRegs();
  checkRegArg(env, insn.dst, DST_OP, regs);
  const reg = regs[insn.dst] as RegState;
  if (insn.src === 0) {
    reg.type = SCALAR_VALUE;
    reg.markKnown(range.known(insn.imm, env.insn(env.insnIdx + 1).imm));
    return;
  }
  const aux = env.aux.of(env.insnIdx);
  markRegKnownZero(env, regs, insn.dst);
  if (insn.src === BPF_PSEUDO_BTF_ID) {
    reg.type = aux.btfVarType;
    if (aux.btfVarId) {
      reg.btf = env.vmlinux;
      reg.btfId = aux.btfVarId;
    } else {
      reg.memSize = aux.btfVarMemSize;
    }
    return;
  }
  if (insn.src === BPF_PSEUDO_FUNC) {
    const subprogno = env.findSubprog(env.insnIdx + insn.imm + 1);
    if (!env.btf || env.prog.funcs.length === 0) env.reject(errno.EINVAL, msg.noFuncInfo());
    if (env.subprog(subprogno).isGlobal) env.reject(errno.EINVAL, msg.callbackNotStatic());
    reg.type = PTR_TO_FUNC;
    reg.subprogno = subprogno;
    return;
  }
  const map = env.maps[aux.mapIndex] ?? null;
  reg.map = map;
  if (insn.src === BPF_PSEUDO_MAP_VALUE || insn.src === BPF_PSEUDO_MAP_IDX_VALUE) {
    if (map?.type === 'arena') {
      markRegUnknown(env, regs, insn.dst);
      return;
    }
    reg.type = PTR_TO_MAP_VALUE;
    reg.off = aux.mapOff;
  } else {
    reg.type = CONST_PTR_TO_MAP;
  }
}

/** may_access_skb */
const LD_ABS_TYPES = new Set<ProgType>(['socket_filter', 'sched_cls', 'sched_act']);
/** The context is in R6. */
const CTX_REG = 6;

/** check_ld_abs */
export function checkLdAbs(env: Env, insn: Insn): void {
  const mode = modeOf(insn.code);
  if (!LD_ABS_TYPES.has(env.progType)) env.reject(errno.EINVAL, msg.ldAbsType());
  if (insn.dst !== 0 || insn.off !== 0 || sizeOf(insn.code) === BPF_DW || (mode === BPF_ABS && insn.src !== 0)) {
    env.reject(errno.EINVAL, msg.ldAbsReserved());
  }
  const regs = env.curRegs();
  checkRegArg(env, CTX_REG, SRC_OP, regs);
  checkResourceLeak(env, false, true, 'BPF_LD_[ABS|IND]');
  const ctx = regs[CTX_REG] as RegState;
  if (ctx.type !== PTR_TO_CTX) env.reject(errno.EINVAL, msg.ldAbsCtx());
  if (mode === BPF_IND) checkRegArg(env, insn.src, SRC_OP, regs);
  checkPtrOffReg(env, ctx, CTX_REG);
  for (let i = 0; i < CALLER_SAVED_REGS; i++) {
    markRegNotInit(env, regs, i);
    checkRegArg(env, i, DST_OP_NO_MARK, regs);
  }
  markRegUnknown(env, regs, 0);
  (regs[0] as RegState).subregDef = env.insnIdx + 1;
  // A load beyond the packet ends the function with 0.
  forkAbnormalReturn(env, () => markRegKnownZero(env, regs, 0));
}
