/**
 * What compilers write in many instructions because BPF has none for it, and WebAssembly has one: the number of bits that are set,
 * and numbers cut to 32 bits. Values are followed within a block, constants through the whole function, since compilers move
 * them out of loops. What is replaced stays where it was, in case more than its end is used; the engine beneath drops the rest.
 */

import type { InsnRow } from '../../uapi/insn.ts';
import * as uapi from '../../uapi/insn.ts';
import type { Block, Graph } from './cfg.ts';
import { slotsOf } from './cfg.ts';
import type { DecodedProgram } from './decode.ts';
import type { Flow } from './dominators.ts';

/** An instruction whose result is that of `kind` on what a register held earlier. */
export interface Idiom {
  readonly kind: 'popcount64' | 'popcount32' | 'zero-extend' | 'sign-extend';
  /** The value is taken from `register` before this instruction. */
  readonly before: number;
  readonly register: number;
}

interface Constant {
  readonly high: number;
  readonly low: number;
}

/** What a register holds: known as a number, as what an instruction computed, or only as what it held at some point. */
interface Value {
  /** Instruction before which the register holds it. */
  readonly before: number;
  readonly register: number;
  readonly constant: Constant | null;
  readonly operator: number;
  readonly a: Value | null;
  readonly b: Value | null;
}

type State = readonly (Constant | null)[];

const REGISTERS = 11;
const sameConstant = (a: Constant | null, b: Constant | null) =>
  a === b || (a !== null && b !== null && a.high === b.high && a.low === b.low);

/** The register that an instruction writes; -1: none, -2: r0 to r5. */
function written({ insns }: DecodedProgram, i: number, row: InsnRow): number {
  switch (row.form) {
    case 'store':
    case 'storeImm':
    case 'release':
    case 'ja':
    case 'jmp':
    case 'mayGoto':
    case 'exit':
      return -1;
    case 'atomic':
      return row.op.startsWith('cmpxchg') ? 0 : (insns.src[i] as number);
    case 'call':
      return -2;
    case 'packet':
      return 0;
    default:
      return insns.dst[i] as number;
  }
}

/** The number that an instruction puts into its register, when it says so itself. */
function literal({ insns }: DecodedProgram, i: number, row: InsnRow): Constant | null {
  const low = insns.imm[i] as number;
  if (row.op === 'ld_imm64') return { low, high: insns.imm[i + 1] as number };
  if (row.op === 'mov64_imm') return { low, high: low >> 31 };
  return row.op === 'mov32_imm' ? { low, high: 0 } : null;
}

function step(decoded: DecodedProgram, state: (Constant | null)[], i: number): void {
  const row = decoded.rows[i];
  if (!row) return;
  const to = written(decoded, i, row);
  if (to === -2) state.fill(null, 0, 6);
  else if (to >= 0) {
    state[to] = row.op === 'mov64_reg' ? (state[decoded.insns.src[i] as number] ?? null) : literal(decoded, i, row);
  }
}

/** Numbers that registers certainly hold when a block begins, by block. */
function constantsAt(decoded: DecodedProgram, graph: Graph, { order }: Flow): State[] {
  const before: (State | undefined)[] = graph.map(() => undefined);
  before[0] = new Array<Constant | null>(REGISTERS).fill(null);
  let changed = true;
  while (changed) {
    changed = false;
    for (const id of order) {
      const start = before[id];
      if (!start) continue;
      const state = [...start];
      const { first, end, succ, dispatcher } = graph[id] as Block;
      if (!dispatcher) for (let i = first; i < end; i += slotsOf(decoded, i)) step(decoded, state, i);
      for (const { to } of succ) {
        const known = before[to];
        const joined = known ? known.map((one, r) => (sameConstant(one, state[r] ?? null) ? one : null)) : state;
        if (known?.every((one, r) => one === joined[r])) continue;
        before[to] = joined;
        changed = true;
      }
    }
  }
  return before.map((state) => state ?? []);
}

const isConstant = (value: Value | null, high: number, low: number) =>
  value?.constant?.high === (high | 0) && value.constant.low === (low | 0);

/** `value` is `x operator constant`: x. */
function operand(value: Value | null, operator: number, high: number, low: number): Value | null {
  if (value?.operator !== operator) return null;
  return isConstant(value.b, high, low) ? value.a : null;
}

/** Both operands of a sum in which `shifted` finds one of them to be made of the other. */
function sumOf(
  value: Value | null,
  shifted: (from: Value | null) => Value | null,
  plain: (from: Value | null) => Value | null,
): Value | null {
  if (value?.operator !== uapi.BPF_ADD) return null;
  for (const [one, other] of [
    [value.a, value.b],
    [value.b, value.a],
  ]) {
    const x = plain(one ?? null);
    if (x && shifted(other ?? null) === x) return x;
  }
  return null;
}

/** The number whose bits `bytes` has counted: every byte of it holds how many are set in that byte. */
function countedByByte(bytes: Value | null, mask: (pattern: number) => Constant): Value | null {
  const and = (value: Value | null, pattern: number) =>
    operand(value, uapi.BPF_AND, mask(pattern).high, mask(pattern).low);
  const shift = (value: Value | null, by: number) => operand(value, uapi.BPF_RSH, 0, by);
  const nibbles = sumOf(
    and(bytes, 0x0f0f0f0f),
    (value) => shift(value, 4),
    (value) => value,
  );
  const pairs = sumOf(
    nibbles,
    (value) => shift(and(value, 0x33333333), 2),
    (value) => and(value, 0x33333333),
  );
  if (pairs?.operator !== uapi.BPF_SUB || !pairs.a) return null;
  return shift(and(pairs.b, 0x55555555), 1) === pairs.a ? pairs.a : null;
}

const wide = (pattern: number): Constant => ({ high: pattern, low: pattern });
const narrow = (pattern: number): Constant => ({ high: 0, low: pattern });

/** What the right shift of `value` is, if it ends an idiom. */
function shiftIdiom(value: Value, by: Value, signed: boolean): Idiom | null {
  const found = (kind: Idiom['kind'], of: Value): Idiom => ({ kind, before: of.before, register: of.register });
  if (isConstant(by, 0, 32)) {
    const cut = operand(value, uapi.BPF_LSH, 0, 32);
    return cut ? found(signed ? 'sign-extend' : 'zero-extend', cut) : null;
  }
  if (signed) return null;
  if (isConstant(by, 0, 56)) {
    const x = countedByByte(operand(value, uapi.BPF_MUL, 0x01010101, 0x01010101), wide);
    return x && found('popcount64', x);
  }
  if (!isConstant(by, 0, 24)) return null;
  const x = countedByByte(operand(operand(value, uapi.BPF_AND, 0, 0xff000000), uapi.BPF_MUL, 0, 0x01010101), narrow);
  return x && found('popcount32', x);
}

/** Nothing is known of how it came about. */
function held(before: number, register: number, constant: Constant | null): Value {
  return { before, register, constant, operator: -1, a: null, b: null };
}

function findInBlock(decoded: DecodedProgram, { first, end }: Block, constants: State, into: Map<number, Idiom>): void {
  const { insns, rows } = decoded;
  const values = Array.from({ length: REGISTERS }, (_, register) => held(first, register, constants[register] ?? null));
  for (let i = first; i < end; i += slotsOf(decoded, i)) {
    const row = rows[i];
    if (!row) return;
    const next = i + slotsOf(decoded, i);
    const to = written(decoded, i, row);
    if (to === -2) for (let register = 0; register < 6; register++) values[register] = held(next, register, null);
    if (to < 0) continue;
    const a = values[to] as Value;
    if (row.op === 'mov64_reg') {
      values[to] = values[insns.src[i] as number] as Value;
    } else if (row.form === 'alu' && row.bits === 64 && row.operator !== uapi.BPF_MOV) {
      const imm = insns.imm[i] as number;
      const b =
        row.source === 'imm' ? held(i, -1, { low: imm, high: imm >> 31 }) : (values[insns.src[i] as number] as Value);
      const signed = row.operator === uapi.BPF_ARSH;
      const idiom = row.operator === uapi.BPF_RSH || signed ? shiftIdiom(a, b, signed) : null;
      if (idiom && idiom.register !== uapi.BPF_REG_FP) into.set(i, idiom);
      values[to] = { before: next, register: to, constant: null, operator: row.operator, a, b };
    } else {
      values[to] = held(next, to, literal(decoded, i, row));
    }
  }
}

/** Shifts that end idioms: those of numbers cut short, and those that need to know of constants. */
const CUTS = [32];
const COUNTS = [24, 56];

function endsWith(decoded: DecodedProgram, { first, end, dispatcher }: Block, shifts: readonly number[]): boolean {
  if (dispatcher) return false;
  for (let i = first; i < end; i++) {
    const op = decoded.rows[i]?.op;
    if ((op === 'rsh64_imm' || op === 'arsh64_imm') && shifts.includes(decoded.insns.imm[i] as number)) return true;
  }
  return false;
}

/** The idioms of a function, by the instruction that ends each. */
export function findIdioms(decoded: DecodedProgram, graph: Graph, flow: Flow): Map<number, Idiom> {
  const found = new Map<number, Idiom>();
  const counts = graph.some((block) => endsWith(decoded, block, COUNTS));
  const constants = counts ? constantsAt(decoded, graph, flow) : null;
  const ends = counts ? [...CUTS, ...COUNTS] : CUTS;
  for (const block of graph) {
    if (endsWith(decoded, block, ends)) findInBlock(decoded, block, constants?.[block.id] ?? [], found);
  }
  return found;
}
