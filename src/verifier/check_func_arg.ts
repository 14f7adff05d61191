/** One argument of a helper (check_func_arg). */
import { InvariantError } from '../errors.ts';
import {
  ARG_ANYTHING,
  ARG_CONST_ALLOC_SIZE_OR_ZERO,
  ARG_CONST_MAP_PTR,
  ARG_CONST_SIZE,
  ARG_CONST_SIZE_OR_ZERO,
  ARG_DONTCARE,
  ARG_KPTR_XCHG_DEST,
  ARG_PTR_TO_BTF_ID,
  ARG_PTR_TO_BTF_ID_SOCK_COMMON,
  ARG_PTR_TO_CONST_STR,
  ARG_PTR_TO_DYNPTR,
  ARG_PTR_TO_FUNC,
  ARG_PTR_TO_MAP_KEY,
  ARG_PTR_TO_MAP_VALUE,
  ARG_PTR_TO_MEM,
  ARG_PTR_TO_PERCPU_BTF_ID,
  ARG_PTR_TO_SPIN_LOCK,
  ARG_PTR_TO_TIMER,
  baseType,
  MEM_ALIGNED,
  MEM_FIXED_SIZE,
  MEM_UNINIT,
  MEM_WRITE,
  OBJ_RELEASE,
  PTR_MAYBE_NULL,
  PTR_TO_STACK,
} from '../kernel/bpf/bpf.ts';
import type { FuncProto } from '../kernel/bpf/helpers/index.ts';
import { errno } from '../uapi/errno.ts';
import { btSetFrameSlot, markChainPrecision, markChainPrecisionBatch } from './backtrack.ts';
import type { CallMeta } from './call_meta.ts';
import { type BtfTarget, checkFuncArgRegOff, checkRegType } from './check_reg_type.ts';
import { BPF_READ, BPF_WRITE, checkPtrAlignment } from './check_region.ts';
import { checkRegConstStr } from './const_str.ts';
import { dynptrState } from './dynptr.ts';
import { processDynptrFunc } from './dynptr_args.ts';
import type { Env } from './env.ts';
import { STACK_SPILL, STACK_ZERO, type StackSlot } from './func_state.ts';
import { inRbtreeLockRequiredCb } from './graph.ts';
import { checkHelperMemAccess, checkMemSizeReg } from './helper_mem.ts';
import { processSpinLock } from './locks.ts';
import { processKptrFunc, processTimerFunc } from './map_fields.ts';
import type { VerifierMap } from './maps.ts';
import { msg } from './messages.ts';
import { mayAccessDirectPktData } from './pkt_access.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';
import { checkRegArg, isPointerValue, registerIsNull, SRC_OP, typeIsPktPointer } from './regs.ts';
import { frameOf } from './slots.ts';

/** Checks argument `arg` (0 to 4); what it says of the call goes into `meta`. */
export function checkFuncArg(env: Env, arg: number, meta: CallMeta, proto: FuncProto, insnIdx: number): void {
  const regno = arg + 1;
  let argType = proto.args[arg] ?? ARG_DONTCARE;
  if (argType === ARG_DONTCARE) return;
  const reg = env.curRegs()[regno] as RegState;
  checkRegArg(env, regno, SRC_OP);
  if (argType === ARG_ANYTHING) {
    if (isPointerValue(env.allowPtrLeaks, reg)) env.reject(errno.EACCES, msg.leaksAddr(regno));
    return;
  }
  if (typeIsPktPointer(reg.type) && !mayAccessDirectPktData(env, BPF_READ, meta.pktAccess)) {
    env.reject(errno.EACCES, msg.packetByHelper());
  }
  if (baseType(argType) === ARG_PTR_TO_MAP_VALUE) argType = resolveMapArgType(env, meta, argType);
  // NULL is a scalar: its type is right, whatever is wanted.
  if (!(registerIsNull(reg) && argType & PTR_MAYBE_NULL)) {
    checkRegType(env, regno, argType, btfTarget(env, proto, arg, argType), meta);
    checkFuncArgRegOff(env, reg, regno, argType);
  }
  if (argType & OBJ_RELEASE) checkRelease(env, reg, regno, argType, meta);
  if (reg.refObjId && baseType(argType) !== ARG_KPTR_XCHG_DEST) {
    if (meta.refObjId) env.reject(errno.EACCES, msg.manyRefs(regno, reg.refObjId, meta.refObjId));
    meta.refObjId = reg.refObjId;
  }
  HANDLERS[baseType(argType)]?.(env, { arg, regno, reg, argType, meta, proto, insnIdx });
}

/** The map of a key or value argument: prototypes have it before them. */
function theMap({ map, funcName }: CallMeta): VerifierMap {
  if (!map) throw new InvariantError(`bpf_${funcName} takes a key or value of no map`);
  return map;
}

/** resolve_map_arg_type: what a value argument is for this kind of map. */
function resolveMapArgType(env: Env, meta: CallMeta, argType: number): number {
  const map = theMap(meta);
  if (map.type === 'sockmap' || map.type === 'sockhash') {
    if (argType !== ARG_PTR_TO_MAP_VALUE) env.reject(errno.EINVAL, msg.invalidSockmapArg());
    return ARG_PTR_TO_BTF_ID_SOCK_COMMON;
  }
  return map.type === 'bloom_filter' && meta.funcName === 'map_peek_elem' ? ARG_PTR_TO_MAP_VALUE : argType;
}

/** The struct that the prototype names for the argument. */
function btfTarget(env: Env, proto: FuncProto, arg: number, argType: number): BtfTarget | null {
  const base = baseType(argType);
  if (base !== ARG_PTR_TO_BTF_ID && base !== ARG_PTR_TO_SPIN_LOCK) return null;
  const name = proto.argBtfIds[arg + 1];
  if (name === undefined || name === 'poison') return null;
  return { btf: env.vmlinux, id: env.vmlinux.find(name, 'struct') };
}

function checkRelease(env: Env, reg: RegState, regno: number, argType: number, meta: CallMeta): void {
  if (baseType(argType) === ARG_PTR_TO_DYNPTR) {
    if (reg.type !== PTR_TO_STACK) env.reject(errno.EINVAL, msg.releaseConstDynptr());
    if (!dynptrState(env, reg)?.refObjId) env.reject(errno.EINVAL, msg.unacquiredArg(regno));
  } else if (!reg.refObjId && !registerIsNull(reg)) {
    env.reject(errno.EINVAL, msg.mustBeReferenced(regno, `bpf_${meta.funcName}`));
  }
  meta.releaseRegno = regno;
}

interface Arg {
  readonly arg: number;
  readonly regno: number;
  readonly reg: RegState;
  readonly argType: number;
  readonly meta: CallMeta;
  readonly proto: FuncProto;
  readonly insnIdx: number;
}

function accessOf(argType: number): number {
  return argType & MEM_WRITE ? BPF_WRITE : BPF_READ;
}

function checkSize(env: Env, { arg, regno, reg, meta, proto }: Arg, zeroSizeAllowed: boolean): void {
  meta.msizeMax = range.umaxF(reg.val);
  checkMemSizeReg(env, regno, accessOf(proto.args[arg - 1] ?? 0), zeroSizeAllowed, meta);
}

/** By base type of the argument. */
const HANDLERS: Readonly<Record<number, (env: Env, of: Arg) => void>> = {
  [ARG_CONST_MAP_PTR]: (env, { reg, meta }) => {
    if (meta.map && (meta.map !== reg.map || meta.mapUid !== reg.mapUid)) {
      env.reject(errno.EINVAL, msg.timerMapMismatch(meta.mapUid, reg.mapUid));
    }
    meta.map = reg.map;
    meta.mapUid = reg.mapUid;
  },
  [ARG_PTR_TO_MAP_KEY]: (env, { regno, reg, meta }) => {
    const map = theMap(meta);
    checkHelperMemAccess(env, regno, map.keySize, BPF_READ, false, null);
    if (canElideValueNullness(map) && env.has('constant_key_lookup'))
      meta.constMapKey = constantMapKey(env, reg, map.keySize);
  },
  [ARG_PTR_TO_MAP_VALUE]: (env, { regno, reg, argType, meta }) => {
    if (argType & PTR_MAYBE_NULL && registerIsNull(reg)) return;
    meta.rawMode = (argType & MEM_UNINIT) !== 0;
    checkHelperMemAccess(env, regno, theMap(meta).valueSize, accessOf(argType), false, meta);
  },
  [ARG_PTR_TO_PERCPU_BTF_ID]: (_env, { reg, meta }) => {
    meta.retBtf = reg.btf;
    meta.retBtfId = reg.btfId;
  },
  [ARG_PTR_TO_SPIN_LOCK]: (env, { regno, meta }) => {
    if (inRbtreeLockRequiredCb(env)) env.reject(errno.EACCES, msg.lockInTreeCallback());
    processSpinLock(env, regno, meta.funcName === 'spin_lock', false, false);
  },
  [ARG_PTR_TO_TIMER]: (env, { regno, meta }) => {
    const { map, uid } = processTimerFunc(env, regno);
    meta.map = map;
    meta.mapUid = uid;
  },
  [ARG_PTR_TO_FUNC]: (_env, { reg, meta }) => {
    meta.subprogno = reg.subprogno;
  },
  [ARG_PTR_TO_MEM]: (env, { arg, regno, reg, argType, meta, proto }) => {
    meta.rawMode = (argType & MEM_UNINIT) !== 0;
    if (!(argType & MEM_FIXED_SIZE)) return;
    const size = proto.argSizes[arg + 1] ?? 0;
    checkHelperMemAccess(env, regno, size, accessOf(argType), false, meta);
    if (argType & MEM_ALIGNED) checkPtrAlignment(env, reg, 0, size, true);
  },
  [ARG_CONST_SIZE]: (env, of) => checkSize(env, of, false),
  [ARG_CONST_SIZE_OR_ZERO]: (env, of) => checkSize(env, of, true),
  [ARG_PTR_TO_DYNPTR]: (env, { regno, argType, insnIdx }) => processDynptrFunc(env, regno, insnIdx, argType, 0),
  [ARG_CONST_ALLOC_SIZE_OR_ZERO]: (env, { regno, reg, meta }) => {
    if (!range.isConst(reg.val))
      env.reject(env.has('constant_size_einval') ? errno.EINVAL : errno.EACCES, msg.notKnownConstant(regno));
    meta.memSize = Number(BigInt.asUintN(32, range.value(reg.val)));
    markChainPrecision(env, regno);
  },
  [ARG_PTR_TO_CONST_STR]: (env, { regno, reg }) => checkRegConstStr(env, reg, regno),
  [ARG_KPTR_XCHG_DEST]: (env, { regno, meta }) => {
    const { field, map } = processKptrFunc(env, regno);
    if (map) meta.map = map;
    meta.kptrField = field;
  },
};

/** can_elide_value_nullness: a lookup with a key in range cannot fail. */
export function canElideValueNullness(map: VerifierMap): boolean {
  return map.type === 'array' || map.type === 'percpu_array';
}

/** get_constant_map_key: the key on the stack, where it is a known constant; -1 where not. */
function constantMapKey(env: Env, key: RegState, keySize: number): number {
  if (key.type !== PTR_TO_STACK || !range.isConst(key.val)) return -1;
  const slotIndex = -(key.off + range.valueF(key.val)) - 1;
  const spi = Math.trunc(slotIndex / 8);
  const slot = frameOf(env, key).stack[spi] as StackSlot | undefined;
  if (!slot) return -1;
  if (run(slot, slotIndex % 8, STACK_ZERO) >= keySize) return 0;
  if (slot.slotType(7) !== STACK_SPILL || slot.spilled.type !== 1) return -1;
  if (run(slot, slotIndex % 8, STACK_SPILL) !== keySize) return -1;
  if (!range.isConst(slot.spilled.val)) return -1;
  btSetFrameSlot(key.frameno, spi);
  env.curState.insnIdx = env.insnIdx;
  markChainPrecisionBatch(env, env.curState);
  return range.valueF(slot.spilled.val);
}

/** How many bytes from `from` down to 0 have the type without a gap. */
function run(slot: StackSlot, from: number, type: number): number {
  let count = 0;
  for (let i = from; i >= 0 && slot.slotType(i) === type; i--) count++;
  return count;
}
