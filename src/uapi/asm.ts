/**
 * A small assembler, in the syntax that the verifier log and LLVM print, for tests and tools:
 *
 *     r1 = 5            w1 s/= w2          r1 = (s8)r2        r1 = 0x123456789 ll
 *     r0 = *(u32 *)(r1 + 4)                *(u64 *)(r10 - 8) = r1
 *     lock *(u64 *)(r1 +0) += r2           r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)
 *     if r1 s> 5 goto out                  call bpf_map_lookup_elem
 *     r1 = map(counters)                   r1 = func(callback)
 *     out: exit                            // comments run to the end of the line; `;` separates instructions
 *
 * Jump targets are labels or relative (`goto +3`, `goto pc+3`). `call NAME` is a local function when NAME is a label, a
 * helper when it is one's name, else a kfunc of `symbols.kfuncs`.
 */
import { InputError } from '../errors.ts';
import { helperId } from './helper_names.ts';
import { encodeInsn, INSN_SIZE, type InsnFields, insnRow, type Op } from './insn.ts';

/** Numbers for the names that a program uses. */
export interface AsmSymbols {
  /** Index of each map (BPF_PSEUDO_MAP_IDX). */
  readonly maps?: Readonly<Record<string, number>>;
  /** BTF id of each kfunc. */
  readonly kfuncs?: Readonly<Record<string, number>>;
}

/** An instruction whose jump target is still a name. */
interface Line {
  readonly fields: InsnFields;
  readonly target?: string;
  /** Where the distance goes. */
  readonly into?: 'off' | 'imm';
  readonly text: string;
}

/** `op('add64_imm', { dst: 1, imm: 5 })`: fields of an instruction by its row's name. */
export function op(name: Op, fields: Omit<InsnFields, 'code'> = {}): InsnFields {
  const row = insnRow(name);
  if (!row) throw new InputError('assembly', name, 'is no instruction');
  const { code, off, imm, src } = row;
  return {
    code,
    ...fields,
    ...(off === undefined ? {} : { off }),
    ...(imm === undefined ? {} : { imm }),
    ...(src === undefined ? {} : { src }),
  };
}

/** The two slots of a ld_imm64; `pseudo` is the src register (BPF_PSEUDO_*). */
export function ldImm64(dst: number, value: bigint | number, pseudo = 0): InsnFields[] {
  const bits = BigInt.asUintN(64, BigInt(value));
  const { code } = op('ld_imm64');
  return [
    { code, dst, src: pseudo, imm: Number(BigInt.asIntN(32, bits)) },
    { code: 0, imm: Number(BigInt.asIntN(32, bits >> 32n)) },
  ];
}

/** Instructions as bytes. */
export function encodeInsns(insns: readonly InsnFields[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_SIZE);
  const view = new DataView(bytes.buffer);
  insns.forEach((insn, i) => {
    encodeInsn(view, i * INSN_SIZE, insn);
  });
  return bytes;
}

const NUMBER = '[+-]?\\s*(?:0x[0-9a-f]+|\\d+)';
const PLACE = `\\(\\s*r(\\d+)\\s*([+-]\\s*(?:0x[0-9a-f]+|\\d+))?\\s*\\)`;
const TARGET = '(?:pc)?\\s*([+-]\\s*\\d+|[A-Za-z_.$][\\w.$]*)';
const SIZE: Readonly<Record<string, 8 | 16 | 32 | 64>> = { 8: 8, 16: 16, 32: 32, 64: 64 };

const ALU: Readonly<Record<string, string>> = {
  '+=': 'add',
  '-=': 'sub',
  '*=': 'mul',
  '/=': 'div',
  's/=': 'sdiv',
  '|=': 'or',
  '&=': 'and',
  '<<=': 'lsh',
  '>>=': 'rsh',
  's>>=': 'arsh',
  '%=': 'mod',
  's%=': 'smod',
  '^=': 'xor',
  '=': 'mov',
};
const JUMP: Readonly<Record<string, string>> = {
  '==': 'jeq',
  '>': 'jgt',
  '>=': 'jge',
  '&': 'jset',
  '!=': 'jne',
  's>': 'jsgt',
  's>=': 'jsge',
  '<': 'jlt',
  '<=': 'jle',
  's<': 'jslt',
  's<=': 'jsle',
};
const LOCK: Readonly<Record<string, string>> = { '+=': 'add', '|=': 'or', '&=': 'and', '^=': 'xor' };

const operators = (table: object) =>
  Object.keys(table)
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[|*+^/]/g, '\\$&'))
    .join('|');

type Parts = readonly (string | undefined)[];
type Built = Omit<Line, 'text'>;
type Rule = readonly [RegExp, (parts: Parts, symbols: AsmSymbols) => readonly Built[]];

/** 5, -5, 0xff, "+ 8"; a u32 above 2^31 wraps as it does in an imm field. */
function num(text: string | undefined): number {
  if (text === undefined) return 0;
  return Number(big(text));
}

function big(text: string): bigint {
  const plain = text.replace(/\s+/g, '');
  return plain.startsWith('-') ? -BigInt(plain.slice(1)) : BigInt(plain.replace(/^\+/, ''));
}

function imm32(text: string | undefined): number {
  const value = num(text);
  if (value < -0x80000000 || value > 0xffffffff)
    throw new InputError('assembly', text ?? '', 'needs more than 32 bits');
  return value | 0;
}

const one = (fields: InsnFields): readonly Built[] => [{ fields }];
const reg = (text: string | undefined) => Number(text);
const wide = (letter: string | undefined) => (letter === 'w' ? 32 : 64);
const size = (text: string | undefined) => SIZE[text ?? ''] ?? 64;

function jump(fields: InsnFields, target: string | undefined, into: 'off' | 'imm'): readonly Built[] {
  const name = (target ?? '').replace(/\s+/g, '');
  if (/^[+-]\d+$/.test(name)) return [{ fields: { ...fields, [into]: Number(name) } }];
  return [{ fields, target: name, into }];
}

function lookup(table: Readonly<Record<string, number>> | undefined, kind: string, name: string | undefined): number {
  const value = table?.[name ?? ''];
  if (value === undefined) throw new InputError('assembly', name ?? '', `no ${kind} of that name`);
  return value;
}

function call(name: string | undefined, symbols: AsmSymbols): readonly Built[] {
  const callee = name ?? '';
  if (/^\d+$/.test(callee)) return one(op('call_helper', { imm: Number(callee) }));
  const kfunc = symbols.kfuncs?.[callee];
  if (kfunc !== undefined) return one(op('call_kfunc', { imm: kfunc }));
  const helper = helperId(callee);
  if (helper !== undefined) return one(op('call_helper', { imm: helper }));
  return [{ fields: op('call_local'), target: callee, into: 'imm' }];
}

/** First match wins. */
const rules: readonly Rule[] = [
  [/^exit$/, () => one(op('exit'))],
  [new RegExp(`^goto ${TARGET}$`), ([, to]) => jump(op('ja'), to, 'off')],
  [new RegExp(`^gotol ${TARGET}$`), ([, to]) => jump(op('gotol'), to, 'imm')],
  [new RegExp(`^may_goto ${TARGET}$`), ([, to]) => jump(op('may_goto'), to, 'off')],
  [/^call (?:pc)?([+-]\d+)$/, ([, to]) => jump(op('call_local'), to, 'imm')],
  [/^call kfunc#(\d+)$/, ([, id]) => one(op('call_kfunc', { imm: num(id) }))],
  [/^call ([\w.$]+)(?:#\d+)?$/, ([, name], symbols) => call(name, symbols)],
  [
    new RegExp(`^if ([rw])(\\d+) (${operators(JUMP)}) ([rw])(\\d+) goto ${TARGET}$`),
    ([, width, dst, text, , src, to]) =>
      jump(op(`${JUMP[text ?? '']}${wide(width)}_reg` as Op, { dst: reg(dst), src: reg(src) }), to, 'off'),
  ],
  [
    new RegExp(`^if ([rw])(\\d+) (${operators(JUMP)}) (${NUMBER}) goto ${TARGET}$`),
    ([, width, dst, text, imm, to]) =>
      jump(op(`${JUMP[text ?? '']}${wide(width)}_imm` as Op, { dst: reg(dst), imm: imm32(imm) }), to, 'off'),
  ],
  [
    new RegExp(`^r(\\d+) = (${NUMBER}) ll$`),
    ([, dst, value]) => ldImm64(reg(dst), big(value ?? '0')).map((fields) => ({ fields })),
  ],
  [
    /^r(\d+) = map\((\w[\w.]*)\)$/,
    ([, dst, name], { maps }) => ldImm64(reg(dst), lookup(maps, 'map', name), 5).map((fields) => ({ fields })),
  ],
  [
    /^r(\d+) = map_value\((\w[\w.]*), *(\d+)\)$/,
    ([, dst, name, off], { maps }) => {
      const value = (big(off ?? '0') << 32n) | BigInt(lookup(maps, 'map', name));
      return ldImm64(reg(dst), value, 6).map((fields) => ({ fields }));
    },
  ],
  [/^r(\d+) = btf_id\((\d+)\)$/, ([, dst, id]) => ldImm64(reg(dst), num(id), 3).map((fields) => ({ fields }))],
  [
    /^r(\d+) = func\(([\w.$]+)\)$/,
    ([, dst, name]) => {
      const [first, second] = ldImm64(reg(dst), 0, 4) as [InsnFields, InsnFields];
      return [{ fields: first, target: name ?? '', into: 'imm' }, { fields: second }];
    },
  ],
  [
    /^r(\d+) = addr_space_cast\(r(\d+), (\d+), (\d+)\)$/,
    ([, dst, src, from, to]) =>
      one(op('addr_space_cast', { dst: reg(dst), src: reg(src), imm: (num(from) << 16) | num(to) })),
  ],
  [
    new RegExp(`^r(\\d+) = \\*\\(([us])(8|16|32|64) \\*\\)${PLACE}$`),
    ([, dst, sign, bits, src, off]) =>
      one(op(`${sign === 's' ? 'ldsx' : 'ldx'}${size(bits)}` as Op, { dst: reg(dst), src: reg(src), off: num(off) })),
  ],
  [
    new RegExp(`^\\*\\(u(8|16|32|64) \\*\\)${PLACE} = r(\\d+)$`),
    ([, bits, dst, off, src]) => one(op(`stx${size(bits)}`, { dst: reg(dst), src: reg(src), off: num(off) })),
  ],
  [
    new RegExp(`^\\*\\(u(8|16|32|64) \\*\\)${PLACE} = (${NUMBER})$`),
    ([, bits, dst, off, imm]) => one(op(`st${size(bits)}`, { dst: reg(dst), off: num(off), imm: imm32(imm) })),
  ],
  [
    new RegExp(`^lock \\*\\(u(32|64) \\*\\)${PLACE} (${operators(LOCK)}) r(\\d+)$`),
    ([, bits, dst, off, text, src]) =>
      one(op(`${LOCK[text ?? '']}${size(bits)}` as Op, { dst: reg(dst), src: reg(src), off: num(off) })),
  ],
  [
    new RegExp(`^r\\d+ = atomic(?:64|32)?_(fetch_\\w+|xchg)\\(\\(u(32|64) \\*\\)${PLACE}, r(\\d+)\\)$`),
    ([, name, bits, dst, off, src]) => one(op(`${name}${bits}` as Op, { dst: reg(dst), src: reg(src), off: num(off) })),
  ],
  [
    new RegExp(`^r0 = atomic(?:64|32)?_cmpxchg\\(\\(u(32|64) \\*\\)${PLACE}, r0, r(\\d+)\\)$`),
    ([, bits, dst, off, src]) => one(op(`cmpxchg${bits}` as Op, { dst: reg(dst), src: reg(src), off: num(off) })),
  ],
  [
    new RegExp(`^r(\\d+) = load_acquire\\(\\(u(8|16|32|64) \\*\\)${PLACE}\\)$`),
    ([, dst, bits, src, off]) => one(op(`load_acquire${size(bits)}`, { dst: reg(dst), src: reg(src), off: num(off) })),
  ],
  [
    new RegExp(`^store_release\\(\\(u(8|16|32|64) \\*\\)${PLACE}, r(\\d+)\\)$`),
    ([, bits, dst, off, src]) => one(op(`store_release${size(bits)}`, { dst: reg(dst), src: reg(src), off: num(off) })),
  ],
  [
    /^r0 = \*\(u(8|16|32) \*\)skb\[(\d+|0x[0-9a-f]+)\]$/,
    ([, bits, imm]) => one(op(`ld_abs${bits}` as Op, { imm: imm32(imm) })),
  ],
  [
    new RegExp(`^r0 = \\*\\(u(8|16|32) \\*\\)skb\\[r(\\d+)(?: *\\+ *(${NUMBER}))?\\]$`),
    ([, bits, src, imm]) => one(op(`ld_ind${bits}` as Op, { src: reg(src), imm: imm32(imm) })),
  ],
  [/^([rw])(\d+) = -[rw]\d+$/, ([, width, dst]) => one(op(`neg${wide(width)}`, { dst: reg(dst) }))],
  [
    /^r(\d+) = (le|be|bswap)(16|32|64) r\d+$/,
    ([, dst, name, bits]) => one(op(`${name}${bits}` as Op, { dst: reg(dst) })),
  ],
  [
    /^([rw])(\d+) = \(s(8|16|32)\) ?[rw](\d+)$/,
    ([, width, dst, bits, src]) => one(op(`movsx${bits}_${wide(width)}` as Op, { dst: reg(dst), src: reg(src) })),
  ],
  [
    new RegExp(`^([rw])(\\d+) (${operators(ALU)}) [rw](\\d+)$`),
    ([, width, dst, text, src]) =>
      one(op(`${ALU[text ?? '']}${wide(width)}_reg` as Op, { dst: reg(dst), src: reg(src) })),
  ],
  [
    new RegExp(`^([rw])(\\d+) (${operators(ALU)}) (${NUMBER})$`),
    ([, width, dst, text, imm]) =>
      one(op(`${ALU[text ?? '']}${wide(width)}_imm` as Op, { dst: reg(dst), imm: imm32(imm) })),
  ],
];

function parseLine(text: string, symbols: AsmSymbols): readonly Line[] {
  for (const [pattern, build] of rules) {
    const parts = pattern.exec(text);
    if (parts) return build(parts, symbols).map((line) => ({ ...line, text }));
  }
  throw new InputError('assembly', text, 'is no instruction');
}

/** What came of a program's text. */
export interface Assembled {
  readonly bytes: Uint8Array;
  /** Instruction that each label stands before. */
  readonly labels: ReadonlyMap<string, number>;
}

/** Assembles a program; see above for the syntax. Throws InputError naming the line at fault. */
export function assembleWithLabels(text: string, symbols: AsmSymbols = {}): Assembled {
  const labels = new Map<string, number>();
  const lines: Line[] = [];
  for (const raw of text.replace(/\/\/.*$/gm, '').split(/[\n;]/)) {
    let rest = raw.trim().replace(/\s+/g, ' ');
    for (let label = /^([A-Za-z_.$][\w.$]*): ?/.exec(rest); label; label = /^([A-Za-z_.$][\w.$]*): ?/.exec(rest)) {
      labels.set(label[1] as string, lines.length);
      rest = rest.slice(label[0].length);
    }
    if (rest) lines.push(...parseLine(rest, symbols));
  }
  const fields = lines.map((line, i) => {
    if (line.target === undefined || line.into === undefined) return line.fields;
    const target = labels.get(line.target);
    if (target === undefined) throw new InputError('assembly', line.text, `no label ${line.target}`);
    return { ...line.fields, [line.into]: target - i - 1 };
  });
  return { bytes: encodeInsns(fields), labels };
}

/** The program's bytes, 8 an instruction. */
export function assemble(text: string, symbols: AsmSymbols = {}): Uint8Array {
  return assembleWithLabels(text, symbols).bytes;
}
