/**
 * THE instruction table: every BPF instruction is one row, read by the decoder, the disassembler, the assembler, the
 * interpreter's linker and its test matrix, the JIT and the verifier.
 *
 *     byte 0    1            2..3        4..7
 *     | code | src:4 dst:4 | off (s16) | imm (s32) |        little endian; ld_imm64 takes two of these
 *
 * code is `op:4 source:1 class:3` for arithmetic and jumps, `mode:3 size:2 class:3` for loads and stores
 * (Documentation/bpf/standardization/instruction-set.rst).
 */
import { helperNames } from './helper_names.ts';

export const INSN_SIZE = 8;

/** Instruction classes, bits 0..2 of the code. */
export const BPF_LD = 0;
export const BPF_LDX = 1;
export const BPF_ST = 2;
export const BPF_STX = 3;
export const BPF_ALU = 4;
export const BPF_JMP = 5;
export const BPF_JMP32 = 6;
export const BPF_ALU64 = 7;

/** Where the second operand comes from, bit 3 (arithmetic and jumps): imm or src register. */
export const BPF_K = 0x00;
export const BPF_X = 0x08;

/** Arithmetic, bits 4..7. */
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
export const BPF_END = 0xd0;
/** Source bit of BPF_END in class ALU; class ALU64 means bswap, whatever the bit. */
export const BPF_TO_LE = 0x00;
export const BPF_TO_BE = 0x08;

/** Jumps, bits 4..7. */
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;
export const BPF_JCOND = 0xe0;
/** src register of a JCOND. */
export const BPF_MAY_GOTO = 0;

/** Access sizes, bits 3..4 of loads and stores. */
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_DW = 0x18;

/** Modes, bits 5..7 of loads and stores. */
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;

/** imm of an atomic: BPF_ADD, BPF_OR, BPF_AND or BPF_XOR, with or without BPF_FETCH, or one of these. */
export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe1;
export const BPF_CMPXCHG = 0xf1;
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;

/** off of `mov64` between address spaces, and of the kernel's own per-CPU address form. */
export const BPF_ADDR_SPACE_CAST = 1;
export const BPF_ADDR_PERCPU = -1;

/** Registers with a role. */
export const BPF_REG_FP = 10;

export const classOf = (code: number) => code & 0x07;
export const opOf = (code: number) => code & 0xf0;
export const sourceOf = (code: number) => code & 0x08;
export const sizeOf = (code: number) => code & 0x18;
export const modeOf = (code: number) => code & 0xe0;

/** Bytes that a size code stands for, index = size >> 3. */
const BYTES = [4, 2, 1, 8] as const;
/** Bytes that a load or store of this code moves. */
export const bytesOf = (code: number): number => BYTES[(code & 0x18) >> 3] as number;

/** Instructions taken apart: one array a field, index = instruction. The second slot of a ld_imm64 is an entry too. */
export class Insns {
  readonly length: number;
  readonly code: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly off: Int16Array;
  readonly imm: Int32Array;

  /** @param bytes - 8 bytes an instruction; a rest of fewer is left out */
  constructor(bytes: Uint8Array) {
    const n = Math.floor(bytes.length / INSN_SIZE);
    this.length = n;
    this.code = new Uint8Array(n);
    this.dst = new Uint8Array(n);
    this.src = new Uint8Array(n);
    this.off = new Int16Array(n);
    this.imm = new Int32Array(n);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0, at = 0; i < n; i++, at += INSN_SIZE) {
      const regs = view.getUint8(at + 1);
      this.code[i] = view.getUint8(at);
      this.dst[i] = regs & 15;
      this.src[i] = regs >> 4;
      this.off[i] = view.getInt16(at + 2, true);
      this.imm[i] = view.getInt32(at + 4, true);
    }
  }

  /** The 64-bit constant of the ld_imm64 at `i`. */
  imm64(i: number): bigint {
    return BigInt.asUintN(64, (BigInt(this.imm[i + 1] ?? 0) << 32n) | BigInt((this.imm[i] ?? 0) >>> 0));
  }
}

/** One instruction, to be encoded. Fields left out are 0. */
export interface InsnFields {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  readonly off?: number;
  readonly imm?: number;
}

/** Writes one instruction at byte `at`. */
export function encodeInsn(view: DataView, at: number, insn: InsnFields): void {
  view.setUint8(at, insn.code);
  view.setUint8(at + 1, ((insn.src ?? 0) << 4) | (insn.dst ?? 0));
  view.setInt16(at + 2, insn.off ?? 0, true);
  view.setInt32(at + 4, insn.imm ?? 0, true);
}

/** What an instruction does with its fields: decides handlers' shape and which fields are reserved (must be 0). */
export type Form =
  | 'alu'
  | 'neg'
  | 'end'
  | 'movsx'
  | 'cast'
  | 'percpu'
  | 'load'
  | 'store'
  | 'storeImm'
  | 'atomic'
  | 'acquire'
  | 'release'
  | 'imm64'
  | 'packet'
  | 'ja'
  | 'jmp'
  | 'mayGoto'
  | 'call'
  | 'exit';

export interface InsnRow {
  readonly op: Op;
  readonly code: number;
  readonly form: Form;
  /** BPF_ADD.. or BPF_JEQ.. of arithmetic, jumps and atomics; 0 for others. */
  readonly operator: number;
  /** Operand width in bits (arithmetic, jumps), or bits moved (memory). */
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
  /** Second operand. */
  readonly source: 'imm' | 'reg' | 'none';
  /** Values that the other fields must have for this row; undefined: the field is free or reserved. */
  readonly off: number | undefined;
  readonly imm: number | undefined;
  readonly src: number | undefined;
  /** Instruction set version (clang -mcpu=vN) that brought it. */
  readonly cpu: 1 | 2 | 3 | 4;
}

const ALU = [
  ['add', BPF_ADD],
  ['sub', BPF_SUB],
  ['mul', BPF_MUL],
  ['div', BPF_DIV],
  ['or', BPF_OR],
  ['and', BPF_AND],
  ['lsh', BPF_LSH],
  ['rsh', BPF_RSH],
  ['mod', BPF_MOD],
  ['xor', BPF_XOR],
  ['mov', BPF_MOV],
  ['arsh', BPF_ARSH],
] as const;
const SIGNED_ALU = [
  ['sdiv', BPF_DIV],
  ['smod', BPF_MOD],
] as const;
const JUMPS = [
  ['jeq', BPF_JEQ, 1],
  ['jgt', BPF_JGT, 1],
  ['jge', BPF_JGE, 1],
  ['jset', BPF_JSET, 1],
  ['jne', BPF_JNE, 1],
  ['jsgt', BPF_JSGT, 1],
  ['jsge', BPF_JSGE, 1],
  ['jlt', BPF_JLT, 2],
  ['jle', BPF_JLE, 2],
  ['jslt', BPF_JSLT, 2],
  ['jsle', BPF_JSLE, 2],
] as const;
const ATOMICS = [
  ['add', BPF_ADD],
  ['or', BPF_OR],
  ['and', BPF_AND],
  ['xor', BPF_XOR],
] as const;
const SIZES = [
  [8, BPF_B],
  [16, BPF_H],
  [32, BPF_W],
  [64, BPF_DW],
] as const;
const PSEUDO = ['', '_map_fd', '_map_value', '_btf_id', '_func', '_map_idx', '_map_idx_value'] as const;

type Width = 32 | 64;
type Size = 8 | 16 | 32 | 64;
type Source = 'imm' | 'reg';
/** Names of the rows. */
export type Op =
  | `${(typeof ALU)[number][0]}${Width}_${Source}`
  | `${(typeof SIGNED_ALU)[number][0]}${Width}_${Source}`
  | `neg${Width}`
  | `${'le' | 'be' | 'bswap'}${16 | 32 | 64}`
  | `movsx${8 | 16}_32`
  | `movsx${8 | 16 | 32}_64`
  | 'addr_space_cast'
  | 'mov_percpu'
  | `ldx${Size}`
  | `ldsx${8 | 16 | 32}`
  | `stx${Size}`
  | `st${Size}`
  | `${'' | 'fetch_'}${(typeof ATOMICS)[number][0]}${Width}`
  | `${'xchg' | 'cmpxchg'}${Width}`
  | `${'load_acquire' | 'store_release'}${Size}`
  | `ld_imm64${(typeof PSEUDO)[number]}`
  | `ld_${'abs' | 'ind'}${8 | 16 | 32}`
  | 'ja'
  | 'gotol'
  | 'may_goto'
  | `${(typeof JUMPS)[number][0]}${Width}_${Source}`
  | 'call_helper'
  | 'call_local'
  | 'call_kfunc'
  | 'exit';

const WIDTHS = [32, 64] as const;
const SOURCES = ['imm', 'reg'] as const;
const sourceBit = { imm: BPF_K, reg: BPF_X } as const;
const aluClass = { 32: BPF_ALU, 64: BPF_ALU64 } as const;
const jmpClass = { 32: BPF_JMP32, 64: BPF_JMP } as const;

type Required = 'off' | 'imm' | 'src';
type ShortRow = Omit<InsnRow, Required> & Partial<Pick<InsnRow, Required>>;

function* rows(): Generator<ShortRow> {
  const base = { operator: 0, signed: false, source: 'none', cpu: 1 } as const;
  for (const bits of WIDTHS) {
    const cls = aluClass[bits];
    for (const source of SOURCES) {
      for (const [name, operator] of ALU) {
        const off = operator === BPF_DIV || operator === BPF_MOD || (operator === BPF_MOV && source === 'reg');
        const code = cls | operator | sourceBit[source];
        const row = { ...base, op: `${name}${bits}_${source}`, code, form: 'alu', operator, bits, source } as const;
        yield off ? { ...row, off: 0 } : row;
      }
      for (const [name, operator] of SIGNED_ALU) {
        const code = cls | operator | sourceBit[source];
        const op = `${name}${bits}_${source}` as const;
        yield { op, code, form: 'alu', operator, bits, signed: true, source, off: 1, cpu: 4 };
      }
    }
    yield { ...base, op: `neg${bits}`, code: cls | BPF_NEG, form: 'neg', operator: BPF_NEG, bits };
  }
  for (const bits of [16, 32, 64] as const) {
    const end = { ...base, form: 'end', operator: BPF_END, bits, imm: bits } as const;
    yield { ...end, op: `le${bits}`, code: BPF_ALU | BPF_END | BPF_TO_LE };
    yield { ...end, op: `be${bits}`, code: BPF_ALU | BPF_END | BPF_TO_BE };
    yield { ...end, op: `bswap${bits}`, code: BPF_ALU64 | BPF_END | BPF_TO_LE, cpu: 4 };
  }
  const mov = { form: 'movsx', operator: BPF_MOV, signed: true, source: 'reg', cpu: 4 } as const;
  for (const off of [8, 16] as const)
    yield { ...mov, op: `movsx${off}_32`, code: BPF_ALU | BPF_MOV | BPF_X, bits: 32, off };
  for (const off of [8, 16, 32] as const)
    yield { ...mov, op: `movsx${off}_64`, code: BPF_ALU64 | BPF_MOV | BPF_X, bits: 64, off };
  const mov64 = { ...base, code: BPF_ALU64 | BPF_MOV | BPF_X, operator: BPF_MOV, bits: 64, source: 'reg' } as const;
  yield { ...mov64, op: 'addr_space_cast', form: 'cast', off: BPF_ADDR_SPACE_CAST };
  yield { ...mov64, op: 'mov_percpu', form: 'percpu', off: BPF_ADDR_PERCPU };

  for (const [bits, size] of SIZES) {
    yield { ...base, op: `ldx${bits}`, code: BPF_LDX | BPF_MEM | size, form: 'load', bits };
    yield { ...base, op: `stx${bits}`, code: BPF_STX | BPF_MEM | size, form: 'store', bits, source: 'reg' };
    yield { ...base, op: `st${bits}`, code: BPF_ST | BPF_MEM | size, form: 'storeImm', bits, source: 'imm' };
    const code = BPF_STX | BPF_ATOMIC | size;
    yield { ...base, op: `load_acquire${bits}`, code, form: 'acquire', bits, imm: BPF_LOAD_ACQ, cpu: 4 };
    const imm = BPF_STORE_REL;
    yield { ...base, op: `store_release${bits}`, code, form: 'release', bits, source: 'reg', imm, cpu: 4 };
    if (bits === 64) continue;
    const sx = BPF_LDX | BPF_MEMSX | size;
    yield { ...base, op: `ldsx${bits}`, code: sx, form: 'load', bits, signed: true, cpu: 4 };
    yield { ...base, op: `ld_abs${bits}`, code: BPF_LD | BPF_ABS | size, form: 'packet', bits, source: 'imm' };
    yield { ...base, op: `ld_ind${bits}`, code: BPF_LD | BPF_IND | size, form: 'packet', bits, source: 'reg' };
  }
  for (const bits of WIDTHS) {
    const code = BPF_STX | BPF_ATOMIC | (bits === 64 ? BPF_DW : BPF_W);
    const atomic = { ...base, code, form: 'atomic', bits, source: 'reg' } as const;
    for (const [name, operator] of ATOMICS) {
      yield { ...atomic, op: `${name}${bits}`, operator, imm: operator, cpu: operator === BPF_ADD ? 1 : 3 };
      yield { ...atomic, op: `fetch_${name}${bits}`, operator, imm: operator | BPF_FETCH, cpu: 3 };
    }
    yield { ...atomic, op: `xchg${bits}`, operator: BPF_XCHG & 0xf0, imm: BPF_XCHG, cpu: 3 };
    yield { ...atomic, op: `cmpxchg${bits}`, operator: BPF_CMPXCHG & 0xf0, imm: BPF_CMPXCHG, cpu: 3 };
  }
  for (const [src, suffix] of PSEUDO.entries()) {
    const code = BPF_LD | BPF_IMM | BPF_DW;
    yield { ...base, op: `ld_imm64${suffix}`, code, form: 'imm64', bits: 64, source: 'imm', src };
  }

  yield { ...base, op: 'ja', code: BPF_JMP | BPF_JA, form: 'ja', bits: 16 };
  yield { ...base, op: 'gotol', code: BPF_JMP32 | BPF_JA, form: 'ja', bits: 32, cpu: 4 };
  yield { ...base, op: 'may_goto', code: BPF_JMP | BPF_JCOND, form: 'mayGoto', bits: 16, src: BPF_MAY_GOTO, cpu: 4 };
  for (const bits of WIDTHS) {
    for (const source of SOURCES) {
      for (const [name, operator, since] of JUMPS) {
        const code = jmpClass[bits] | operator | sourceBit[source];
        const signed = name.startsWith('js') && name !== 'jset';
        const cpu = bits === 32 ? 3 : since;
        yield { op: `${name}${bits}_${source}`, code, form: 'jmp', operator, bits, signed, source, cpu };
      }
    }
  }
  const call = { ...base, code: BPF_JMP | BPF_CALL, form: 'call', bits: 64 } as const;
  for (const [src, op] of (['call_helper', 'call_local', 'call_kfunc'] as const).entries()) yield { ...call, op, src };
  yield { ...base, op: 'exit', code: BPF_JMP | BPF_EXIT, form: 'exit', bits: 64 };
}

/** A row with its fields in one order, those left out too: engines of JavaScript read objects of one shape faster. */
function uniform({ op, code, form, operator, bits, signed, source, off, imm, src, cpu }: ShortRow): InsnRow {
  return { op, code, form, operator, bits, signed, source, off, imm, src, cpu };
}

/** Every instruction, one row each. */
export const insnRows: readonly InsnRow[] = Array.from(rows(), uniform);

const byOp = new Map(insnRows.map((row) => [row.op, row]));
const byCode: InsnRow[][] = Array.from({ length: 256 }, () => []);
for (const row of insnRows) byCode[row.code]?.push(row);

/** The row of that name; undefined where the name was put together from a text that is no instruction. */
export function insnRow(op: Op): InsnRow | undefined {
  return byOp.get(op);
}

/** Whether any instruction has this code, whatever the other fields (bpf_opcode_in_insntable). */
export function isKnownCode(code: number): boolean {
  return (byCode[code]?.length ?? 0) > 0;
}

/** The row that instruction `i` is encoded by; undefined when there is none (unknown code, or fields of no variant). */
export function rowOf(insns: Insns, i: number): InsnRow | undefined {
  const candidates = byCode[insns.code[i] ?? 0] as readonly InsnRow[];
  for (let at = 0; at < candidates.length; at++) {
    const row = candidates[at] as InsnRow;
    if (row.off !== undefined && row.off !== insns.off[i]) continue;
    if (row.imm !== undefined && row.imm !== insns.imm[i]) continue;
    if (row.src !== undefined && row.src !== insns.src[i]) continue;
    return row;
  }
  return undefined;
}

/** Whether instruction `i` is a ld_imm64, which takes two slots. */
export function isLdImm64(insns: Insns, i: number): boolean {
  return insns.code[i] === (BPF_LD | BPF_IMM | BPF_DW);
}

/** How operands are named when an instruction is printed; what is left out prints as the number. */
export interface InsnNames {
  /** Name of the kfunc that the call at `i` names by BTF id. */
  readonly kfunc?: (insns: Insns, i: number) => string | undefined;
  /** Text of the constant of the ld_imm64 at `i`. */
  readonly imm64?: (insns: Insns, i: number) => string | undefined;
}

const aluText = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', 'neg', '%=', '^=', '=', 's>>=', 'endian'];
const signedText: Readonly<Record<number, string>> = { [BPF_DIV]: 's/=', [BPF_MOD]: 's%=' };
const jmpText = ['jmp', '==', '>', '>=', '&', '!=', 's>', 's>=', 'call', 'exit', '<', '<=', 's<', 's<='];
const loadText = ['u32', 'u16', 'u8', 'u64'];
const signedLoadText = ['s32', 's16', 's8', '(null)'];
const atomicText: Readonly<Record<number, string>> = {
  [BPF_ADD]: 'add',
  [BPF_OR]: 'or',
  [BPF_AND]: 'and',
  [BPF_XOR]: 'xor',
};

const at = (table: readonly string[], index: number) => table[index] ?? '(null)';
const plus = (n: number) => (n < 0 ? `${n}` : `+${n}`);
const hex = (n: number) => (n >>> 0).toString(16);

type Formatter = (insns: Insns, i: number, code: number, names: InsnNames) => string;

function formatAlu(insns: Insns, i: number, code: number): string {
  const dst = insns.dst[i] as number;
  const src = insns.src[i] as number;
  const off = insns.off[i] as number;
  const imm = insns.imm[i] as number;
  const wide = classOf(code) === BPF_ALU64;
  const reg = wide ? 'r' : 'w';
  const op = opOf(code);
  if (op === BPF_END) {
    const name = wide ? 'bswap' : sourceOf(code) === BPF_TO_BE ? 'be' : 'le';
    return `r${dst} = ${name}${imm} r${dst}`;
  }
  if (op === BPF_NEG) return `${reg}${dst} = -${reg}${dst}`;
  if (wide && op === BPF_MOV && sourceOf(code) === BPF_X) {
    if (off === BPF_ADDR_SPACE_CAST) return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
    if (off === BPF_ADDR_PERCPU) return `r${dst} = &(void __percpu *)(r${src})`;
  }
  const text = (off === 1 ? signedText[op] : undefined) ?? at(aluText, op >> 4);
  if (sourceOf(code) === BPF_K) return `${reg}${dst} ${text} ${imm}`;
  const cast = op === BPF_MOV && (off === 8 || off === 16 || off === 32) ? `(s${off})` : '';
  return `${reg}${dst} ${text} ${cast}${reg}${src}`;
}

function formatStx(insns: Insns, i: number, code: number): string {
  const place = `(r${insns.dst[i]} ${plus(insns.off[i] as number)})`;
  const size = at(loadText, sizeOf(code) >> 3);
  const src = `r${insns.src[i]}`;
  if (modeOf(code) === BPF_MEM) return `*(${size} *)${place} = ${src}`;
  if (modeOf(code) !== BPF_ATOMIC) return `BUG_${code.toString(16).padStart(2, '0')}`;
  const imm = insns.imm[i] as number;
  const wide = sizeOf(code) === BPF_DW ? '64' : '';
  const plain = atomicText[imm];
  if (plain) return `lock *(${size} *)${place} ${at(aluText, imm >> 4)} ${src}`;
  const fetch = imm & BPF_FETCH ? atomicText[imm & ~BPF_FETCH] : undefined;
  if (fetch) return `${src} = atomic${wide}_fetch_${fetch}((${size} *)${place}, ${src})`;
  if (imm === BPF_CMPXCHG) return `r0 = atomic${wide}_cmpxchg((${size} *)${place}, r0, ${src})`;
  if (imm === BPF_XCHG) return `${src} = atomic${wide}_xchg((${size} *)${place}, ${src})`;
  if (imm === BPF_LOAD_ACQ)
    return `r${insns.dst[i]} = load_acquire((${size} *)(${src} ${plus(insns.off[i] as number)}))`;
  if (imm === BPF_STORE_REL) return `store_release((${size} *)${place}, ${src})`;
  return `BUG_${code.toString(16).padStart(2, '0')}`;
}

function formatLdx(insns: Insns, i: number, code: number): string {
  const mode = modeOf(code);
  if (mode !== BPF_MEM && mode !== BPF_MEMSX) return `BUG_ldx_${code.toString(16).padStart(2, '0')}`;
  const size = at(mode === BPF_MEM ? loadText : signedLoadText, sizeOf(code) >> 3);
  return `r${insns.dst[i]} = *(${size} *)(r${insns.src[i]} ${plus(insns.off[i] as number)})`;
}

function formatLd(insns: Insns, i: number, code: number, names: InsnNames): string {
  const mode = modeOf(code);
  const size = at(loadText, sizeOf(code) >> 3);
  if (mode === BPF_ABS) return `r0 = *(${size} *)skb[${insns.imm[i]}]`;
  if (mode === BPF_IND) return `r0 = *(${size} *)skb[r${insns.src[i]} + ${insns.imm[i]}]`;
  if (!isLdImm64(insns, i)) return `BUG_ld_${code.toString(16).padStart(2, '0')}`;
  return `r${insns.dst[i]} = ${names.imm64?.(insns, i) ?? `0x${insns.imm64(i).toString(16)}`}`;
}

function formatCall(insns: Insns, i: number, names: InsnNames): string {
  const src = insns.src[i] as number;
  const imm = insns.imm[i] as number;
  if (src === 1) return `call pc${plus(imm)}`;
  if (src === 0) return `call ${helperNames[imm] ?? 'unknown'}#${imm}`;
  const name = names.kfunc?.(insns, i) ?? (src === 2 ? 'kernel-function' : 'unknown');
  return `call ${name}#${imm}`;
}

function formatJmp(insns: Insns, i: number, code: number, names: InsnNames): string {
  if (opOf(code) === BPF_CALL) return formatCall(insns, i, names);
  const off = plus(insns.off[i] as number);
  if (code === (BPF_JMP | BPF_JA)) return `goto pc${off}`;
  if (code === (BPF_JMP | BPF_JCOND) && insns.src[i] === BPF_MAY_GOTO) return `may_goto pc${off}`;
  if (code === (BPF_JMP32 | BPF_JA)) return `gotol pc${plus(insns.imm[i] as number)}`;
  if (code === (BPF_JMP | BPF_EXIT)) return 'exit';
  const reg = classOf(code) === BPF_JMP32 ? 'w' : 'r';
  const other = sourceOf(code) === BPF_X ? `${reg}${insns.src[i]}` : `0x${hex(insns.imm[i] as number)}`;
  return `if ${reg}${insns.dst[i]} ${at(jmpText, opOf(code) >> 4)} ${other} goto pc${off}`;
}

function formatSt(insns: Insns, i: number, code: number): string {
  if (modeOf(code) === BPF_MEM) {
    const size = at(loadText, sizeOf(code) >> 3);
    return `*(${size} *)(r${insns.dst[i]} ${plus(insns.off[i] as number)}) = ${insns.imm[i]}`;
  }
  // BPF_NOSPEC: the verifier's own barrier, never in a program handed to it.
  if (modeOf(code) === BPF_ATOMIC) return 'nospec';
  return `BUG_st_${code.toString(16).padStart(2, '0')}`;
}

/** Index = instruction class. */
const formatters: readonly Formatter[] = [
  formatLd,
  formatLdx,
  formatSt,
  formatStx,
  formatAlu,
  formatJmp,
  formatJmp,
  formatAlu,
];

const noNames: InsnNames = {};

/** Text of instruction `i` as the kernel's verifier log prints it, without the `(bf) ` before it: `r1 = r2`. */
export function formatInsn(insns: Insns, i: number, names: InsnNames = noNames): string {
  const code = insns.code[i] as number;
  return (formatters[classOf(code)] as Formatter)(insns, i, code, names);
}
