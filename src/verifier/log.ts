/** The words of the log: types, registers, states, instructions, as kernel/bpf/log.c prints them. */
import type { Btf } from '../btf/btf.ts';
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  NOT_INIT,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_STACK,
  SCALAR_VALUE,
} from '../kernel/bpf/bpf.ts';
import { BPF_PSEUDO_BTF_ID, BPF_PSEUDO_FUNC } from '../uapi/bpf.ts';
import { formatInsn, type InsnNames } from '../uapi/insn.ts';
import { kfuncName } from './call_info.ts';
import type { Env } from './env.ts';
import { type FuncState, STACK_DYNPTR, STACK_INVALID, STACK_ITER, STACK_SPILL } from './func_state.ts';
import { BPF_REG_SIZE, MAX_BPF_REG } from './limits.ts';
import { range } from './range.ts';
import { BPF_ADD_CONST, type RegState } from './reg_state.ts';
import { regTypeStr, tnumStr } from './reg_type_str.ts';
import { typeIsNonOwningRef, typeIsPktPointer } from './regs.ts';
import type { VerifierState } from './verifier_state.ts';

const DYNPTR_NAMES = ['<invalid>', 'local', 'ringbuf', 'skb', 'xdp', 'skb_meta'] as const;

/** dynptr_type_str */
export function dynptrTypeStr(type: number): string {
  return DYNPTR_NAMES[type] ?? '<unknown>';
}

/** iter_type_str: what follows `bpf_iter_` in the name of the iterator's struct. */
export function iterTypeStr(btf: Btf | null, btfId: number): string {
  return btf && btfId ? btf.name(btfId).slice('bpf_iter_'.length) : '<invalid>';
}

const ITER_STATES = ['<invalid>', 'active', 'drained'] as const;

/** iter_state_str */
export function iterStateStr(state: number): string {
  return ITER_STATES[state] ?? '<unknown>';
}

const SLOT_CHARS = '?rm0dif';

/** `%#llx` */
function hex64(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** Unsigned numbers up to 65535 are decimal, above hexadecimal. */
export function unum(value: bigint): string {
  return value <= 0xffffn ? `${value}` : hex64(value);
}

/** Signed 16-bit numbers are decimal, others hexadecimal. */
export function snum(value: bigint): string {
  return value >= -0x8000n && value <= 0x7fffn ? `${value}` : hex64(value);
}

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U64_MAX = (1n << 64n) - 1n;

/** print_scalar_ranges: `smin=0,smax=umax=7,...`, equal bounds of one sign joined. */
function scalarRanges(h: number): string[] {
  const u64 = (value: bigint) => BigInt.asUintN(64, value);
  const small = (value: number) => (value >= -0x8000 && value <= 0x7fff ? BigInt(value) : BigInt(value >>> 0));
  const bounds = [
    { name: 'smin', value: range.smin(h), omit: range.smin(h) === S64_MIN },
    { name: 'smax', value: range.smax(h), omit: range.smax(h) === S64_MAX },
    { name: 'umin', value: u64(range.umin(h)), omit: range.umin(h) === 0n },
    { name: 'umax', value: u64(range.umax(h)), omit: u64(range.umax(h)) === U64_MAX },
    { name: 'smin32', value: small(range.s32min(h)), omit: range.s32min(h) === -0x80000000 },
    { name: 'smax32', value: small(range.s32max(h)), omit: range.s32max(h) === 0x7fffffff },
    { name: 'umin32', value: BigInt(range.u32min(h) >>> 0), omit: range.u32min(h) === 0 },
    { name: 'umax32', value: BigInt(range.u32max(h) >>> 0), omit: range.u32max(h) >>> 0 === 0xffffffff },
  ];
  const parts: string[] = [];
  for (let i = 0; i < bounds.length; i++) {
    const bound = bounds[i] as (typeof bounds)[number];
    if (bound.omit) continue;
    const signed = bound.name[0] === 's';
    let names = `${bound.name}=`;
    for (let j = i + 2; j < bounds.length; j += 2) {
      const other = bounds[j] as (typeof bounds)[number];
      if (other.omit || u64(other.value) !== u64(bound.value)) continue;
      const negative = signed && BigInt.asIntN(64, bound.value) < 0n;
      if ((other.name[0] === 's' && BigInt.asIntN(64, other.value) < 0n) !== negative) continue;
      other.omit = true;
      names += `${other.name}=`;
    }
    parts.push(names + (signed ? snum(BigInt.asIntN(64, bound.value)) : unum(u64(bound.value))));
  }
  return parts;
}

function isMapType(type: number): boolean {
  const base = baseType(type);
  return base === CONST_PTR_TO_MAP || base === PTR_TO_MAP_KEY || base === PTR_TO_MAP_VALUE;
}

/** print_reg_state */
export function regStr(frame: FuncState, reg: RegState): string {
  const type = reg.type;
  const constant = range.isConst(reg.val) !== 0;
  const precise = type === SCALAR_VALUE && reg.precise ? 'P' : '';
  if (type === SCALAR_VALUE && constant) return precise + snum(BigInt.asIntN(64, range.value(reg.val)));
  let text = precise + regTypeStr(type);
  if (type === PTR_TO_ARENA) return text;
  if (type === PTR_TO_STACK) {
    if (frame.frameno !== reg.frameno) text += `[${reg.frameno}]`;
    if (constant) return text + snum(BigInt.asIntN(64, range.value(reg.val)) + BigInt(reg.off));
  }
  if (baseType(type) === PTR_TO_BTF_ID) text += reg.btf?.name(reg.btfId) ?? '';
  const parts: string[] = [];
  if (reg.id) {
    const delta = reg.id & BPF_ADD_CONST ? `${reg.off < 0 ? '' : '+'}${reg.off}` : '';
    parts.push(`id=${reg.id & ~BPF_ADD_CONST}${delta}`);
  }
  if (reg.refObjId) parts.push(`ref_obj_id=${reg.refObjId}`);
  if (typeIsNonOwningRef(type)) parts.push('non_own_ref');
  if (isMapType(type) && reg.map) {
    if (reg.map.name) parts.push(`map=${reg.map.name}`);
    parts.push(`ks=${reg.map.keySize},vs=${reg.map.valueSize}`);
  }
  if (type !== SCALAR_VALUE && reg.off) parts.push(`off=${snum(BigInt(reg.off))}`);
  if (typeIsPktPointer(type)) parts.push(`r=${unum(BigInt.asUintN(64, BigInt(reg.pktRange)))}`);
  if (baseType(type) === PTR_TO_MEM) parts.push(`sz=${unum(BigInt(reg.memSize))}`);
  if (type === CONST_PTR_TO_DYNPTR) parts.push(`type=${dynptrTypeStr(reg.dynptrType)}`);
  if (constant) {
    const value = BigInt.asIntN(64, range.value(reg.val));
    if (value) parts.push(`imm=${snum(value)}`);
  } else {
    parts.push(...scalarRanges(reg.val));
    if (BigInt.asUintN(64, range.mask(reg.val)) !== U64_MAX) parts.push(`var_off=${tnumStr(reg.val)}`);
  }
  return `${text}(${parts.join(',')})`;
}

function slotStr(frame: FuncState, spi: number): { text: string; next: number } {
  const slot = frame.slot(spi);
  let valid = false;
  let types = '';
  for (let i = 0; i < BPF_REG_SIZE; i++) {
    const type = slot.slotType(i);
    if (type !== STACK_INVALID) valid = true;
    types += SLOT_CHARS[type];
  }
  const none = { text: '', next: spi };
  if (!valid) return none;
  const at = (n: number) => ` fp${(-n - 1) * BPF_REG_SIZE}`;
  switch (slot.slotType(BPF_REG_SIZE - 1)) {
    case STACK_SPILL: {
      const first = types.indexOf('r');
      return { text: `${at(spi)}=${types.slice(0, first)}${regStr(frame, slot.spilled)}`, next: spi };
    }
    case STACK_DYNPTR: {
      const reg = frame.slot(spi + 1).spilled;
      const parts: string[] = [];
      if (reg.id) parts.push(`id=${reg.id}`);
      if (reg.refObjId) parts.push(`ref_id=${reg.refObjId}`);
      // The kernel reads dynptr_id through a union, and finds first_slot there.
      if (reg.dynptrFirstSlot) parts.push('dynptr_id=1');
      return { text: `${at(spi + 1)}=dynptr_${dynptrTypeStr(reg.dynptrType)}(${parts.join(',')})`, next: spi + 1 };
    }
    case STACK_ITER: {
      const reg = slot.spilled;
      if (!reg.refObjId) return none;
      const state = `ref_id=${reg.refObjId},state=${iterStateStr(reg.iterState)},depth=${reg.iterDepth}`;
      return { text: `${at(spi)}=iter_${iterTypeStr(reg.btf, reg.btfId)}(${state})`, next: spi };
    }
    default:
      return { text: `${at(spi)}=${types}`, next: spi };
  }
}

/** print_verifier_state: the frame's registers and slots, all or those touched since the last print. Ends the line. */
export function printVerifierState(env: Env, state: VerifierState, frameno: number, all: boolean): void {
  const frame = state.frame[frameno] as FuncState;
  let text = frame.frameno ? ` frame${frame.frameno}:` : '';
  for (let i = 0; i < MAX_BPF_REG; i++) {
    const reg = frame.reg(i);
    if (reg.type === NOT_INIT || !(all || (env.scratchedRegs >>> i) & 1)) continue;
    text += ` R${i}=${regStr(frame, reg)}`;
  }
  for (let i = 0; i < frame.stack.length; i++) {
    const scratched = i < 32 ? env.scratchedStackLo >>> i : env.scratchedStackHi >>> (i - 32);
    if (!all && !(scratched & 1)) continue;
    const { text: slot, next } = slotStr(frame, i);
    text += slot;
    i = next;
  }
  // A lock of a global variable has id 0; as the first it hides the others.
  const refs = state.refs.filter((ref) => ref.id).map((ref) => ref.id);
  if (state.refs[0]?.id) text += ` refs=${refs.join(',')}`;
  if (frame.inCallbackFn) text += ' cb';
  if (frame.inAsyncCallbackFn) text += ' async_cb';
  env.verbose(`${text}\n`);
  if (!all) markVerifierStateClean(env);
}

export function markVerifierStateClean(env: Env): void {
  env.scratchedRegs = 0;
  env.scratchedStackLo = 0;
  env.scratchedStackHi = 0;
}

export function markVerifierStateScratched(env: Env): void {
  env.scratchedRegs = -1;
  env.scratchedStackLo = -1;
  env.scratchedStackHi = -1;
}

const MIN_ALIGNMENT = 8;
const ALIGNMENT = 40;

/** Spaces that bring a line of `length` characters to the column of the state, less the one before `;`. */
export function logAlignment(length: number): number {
  const column = Math.max(length + MIN_ALIGNMENT / 2, ALIGNMENT);
  return Math.ceil(column / MIN_ALIGNMENT) * MIN_ALIGNMENT - length - 1;
}

/** print_insn_state: what the instruction changed, behind it when nothing was printed in between. */
export function printInsnState(env: Env, state: VerifierState, frameno: number): void {
  if (env.prevLogPos && env.prevLogPos === env.log.length) {
    env.log.reset(env.prevLogPos - 1);
    env.verbose(`${' '.repeat(logAlignment(env.prevInsnPrintPos))};`);
  } else {
    env.verbose(`${env.insnIdx}:`);
  }
  printVerifierState(env, state, frameno, false);
}

/** verbose_linfo: the source line of an instruction, once until another one comes. */
export function verboseLinfo(env: Env, insnIdx: number, prefix: string): void {
  const line = env.findLinfo(insnIdx);
  const prev = env.prevLinfo;
  if (!line || line === prev) return;
  if (prev && prev.fileOff === line.fileOff && prev.line === line.line) return;
  env.prevLinfo = line;
  const file = line.file.slice(line.file.lastIndexOf('/') + 1);
  const text = line.text.replace(/^\s+/, '');
  env.verbose(`${prefix}${text} @ ${file}:${line.line}\n`);
}

/** verbose_insn: `(bf) r1 = r2`, without a newline. */
export function insnStr(env: Env, idx: number): string {
  const names: InsnNames = {
    kfunc: (_insns, i) => kfuncName(env, env.insn(i)),
    imm64: (_insns, i) => imm64Str(env, i),
  };
  return `(${env.insn(idx).code.toString(16).padStart(2, '0')}) ${formatInsn(env.insns, idx, names)}`;
}

/** Maps, their values and kernel variables print as an address, which only root may see. Ours is made up. */
function imm64Str(env: Env, i: number): string | undefined {
  const insn = env.insn(i);
  if (insn.src === 0 || insn.src === BPF_PSEUDO_FUNC) return undefined;
  if (!env.allowPtrLeaks && insn.src !== BPF_PSEUDO_BTF_ID) return '0x0';
  const aux = env.aux.find(i);
  const address =
    0xffff_8881_0000_0000n + BigInt(Math.max(aux?.mapIndex ?? 0, 0)) * 0x10000n + BigInt(aux?.mapOff ?? 0);
  return `0x${address.toString(16)}`;
}
