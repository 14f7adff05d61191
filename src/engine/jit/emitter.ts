/**
 * One function of a program as a WebAssembly function: r1 to r5 and the end of its stack are parameters, r0 its result, every
 * register a local. What an instruction does is in alu.ts, memory.ts and calls.ts; this holds what they share.
 */
import { BPF_MAX_LOOPS, FAULT_CALL_DEPTH, JR_LEFT } from '../../../assembly/kernel/bpf/prog_layout.ts';
import { KERNEL_BASE_HI } from '../../../assembly/layout.ts';
import type { KernelMemory } from '../../kernel/memory.ts';
import { BPF_REG_FP, type Insns } from '../../uapi/insn.ts';
import type { Edge } from './cfg.ts';
import type { DecodedProgram } from './decode.ts';
import { Code, RUN_GLOBAL } from './encoder.ts';
import { I32, I64, OP } from './opcodes.ts';

/** r1 to r5, then the offset behind its stack; r0. */
export const BPF_SIGNATURE = 'llllli:l';
const PARAMS = 6;
const FRAME_PARAM = 5;

/** The module around a function: what its code may call, and what it knows of the machine. */
export interface ModuleContext {
  readonly decoded: DecodedProgram;
  readonly memory: KernelMemory;
  /** Offset of struct bpf_prog. */
  readonly prog: number;
  /** Index of an imported function, by name. */
  imported(name: string): number;
  /** Index of the function that starts at an instruction. */
  functionAt(entry: number): number;
  /** The address that a callback is known by. */
  callbackAddress(entry: number): { readonly high: number; readonly low: number };
  /** Index of a type. */
  type(signature: string): number;
  /** Table of callbacks, by the number in their address. */
  readonly callbackTable: number;
}

/** Stacks up to so many bytes are cleared by stores: memory.fill is a call. */
const STORES_UP_TO = 128;

/** Imported from the engine: stops the run. */
export const FAULT = { name: 'fault', signature: 'iil:' } as const;
/** Imported from the engine: what is left of the budget, given more or stopped. */
export const BUDGET = { name: 'budget', signature: 'li:l' } as const;
/** Imported from the engine: unwinds to the program's exception callback. */
export const THROW = { name: 'throw', signature: 'lli:' } as const;

/** How a function counts: with a local that holds what is left, only at its end, or not at all (CompileTarget.counts). */
export type Counting = 'local' | 'end' | 'none';

export interface FunctionShape {
  readonly entry: number;
  /** Bytes of its stack, a multiple of 8. */
  readonly stack: number;
  /** Bytes below the stack for cursors of map walks. */
  readonly extra: number;
  /** Bytes above it that nobody else uses. */
  readonly gap: number;
  readonly counting: Counting;
  readonly usesMayGoto: boolean;
  /** Whether the budget is looked at on entry, too. */
  readonly checksBudget: boolean;
  /** The end of the stack area; 0: the function cannot use it up. */
  readonly stackLimit: number;
}

export class FunctionEmitter {
  readonly code = new Code(PARAMS);
  readonly insns: Insns;
  /** Lowest byte of the stack. */
  readonly sp: number;
  private readonly registers: readonly number[];
  private readonly left: number;
  private readonly spare = new Map<number, number[]>();
  private selector = -1;
  readonly mayGoto: number;
  /** Instructions executed since the last count, that which is being emitted included. */
  pending = 0;
  /** First instruction of the block that is being emitted. */
  blockStart = 0;

  constructor(
    readonly context: ModuleContext,
    readonly shape: FunctionShape,
  ) {
    const { code } = this;
    this.insns = context.decoded.insns;
    const r0 = code.local(I64);
    this.registers = [r0, 0, 1, 2, 3, 4, ...[6, 7, 8, 9].map(() => code.local(I64))];
    this.left = shape.counting === 'local' ? code.local(I64) : -1;
    this.sp = shape.stack + shape.extra + shape.gap > 0 ? code.local(I32) : FRAME_PARAM;
    this.mayGoto = shape.usesMayGoto ? code.local(I32) : -1;
  }

  // ---- registers

  /** Pushes a register as 64 bits. */
  get(register: number): Code {
    const { code } = this;
    if (register !== BPF_REG_FP) return code.get(this.registers[register] as number);
    this.frameEnd();
    return code.op(OP['i64.extend_i32_u']).i64(0, KERNEL_BASE_HI).op(OP['i64.or']);
  }

  /** Pushes the lower half of a register: the offset, when it holds an address. */
  get32(register: number): Code {
    if (register === BPF_REG_FP) return this.frameEnd();
    return this.get(register).op(OP['i32.wrap_i64']);
  }

  /** Pops 64 bits into a register. */
  set(register: number): Code {
    return this.code.set(this.registers[register] as number);
  }

  /** Pops 32 bits into a register, zero-extended. */
  set32(register: number): Code {
    this.code.op(OP['i64.extend_i32_u']);
    return this.set(register);
  }

  private frameEnd(): Code {
    this.code.get(this.sp);
    const size = this.shape.stack + this.shape.extra;
    return size === 0 ? this.code : this.code.i32(size).op(OP['i32.add']);
  }

  /** Pushes the offset that `register + off` is an address of; returns what is to be added to it as an immediate. */
  address(register: number, off: number): number {
    const inFrame = register === BPF_REG_FP ? this.shape.stack + this.shape.extra + off : -1;
    if (inFrame >= 0) {
      this.code.get(this.sp);
      return inFrame;
    }
    this.get32(register);
    if (off >= 0) return off;
    this.code.i32(off).op(OP['i32.add']);
    return 0;
  }

  /** A local for a moment; give it back with `release`. */
  take(type: number): number {
    return this.spare.get(type)?.pop() ?? this.code.local(type);
  }

  release(type: number, ...locals: readonly number[]): void {
    const list = this.spare.get(type) ?? [];
    list.push(...locals);
    this.spare.set(type, list);
  }

  // ---- counting

  private get counts(): boolean {
    return this.shape.counting !== 'none';
  }

  /** Pushes the address of a field of the run (JR_, prog_layout.ts). */
  runField(field: number): Code {
    this.code.globalGet(RUN_GLOBAL);
    return field === 0 ? this.code : this.code.i32(field).op(OP['i32.add']);
  }

  /** Pushes what is left after `used` instructions more. */
  private pushLeft(used: number): void {
    const { code } = this;
    if (this.left >= 0) code.get(this.left);
    else this.runField(JR_LEFT).memory(OP['i64.load'], 3);
    if (used !== 0) code.i64(used).op(OP['i64.sub']);
  }

  /** Puts the count where functions that are called now go on from it; `used` instructions are not in it yet. */
  flush(used: number): void {
    if (!this.counts) return;
    this.runField(JR_LEFT);
    this.pushLeft(used);
    this.code.memory(OP['i64.store'], 3);
  }

  /** Takes the count back after a call; `used` instructions of it are to be counted later. */
  reload(used: number): void {
    if (!this.counts) return;
    this.runField(JR_LEFT).memory(OP['i64.load'], 3);
    if (used !== 0) this.code.i64(used).op(OP['i64.add']);
    this.code.set(this.left);
  }

  /** Pushes whether the budget is used up. */
  overBudget(): void {
    if (!this.counts) this.code.i32(0);
    else this.code.get(this.left).i64(0).op(OP['i64.lt_s']);
  }

  /** Asks the engine for more; the run ends here when there is none. */
  refill(insn: number): void {
    const { code, left } = this;
    if (!this.counts) return;
    code.get(left).i32(insn).call(this.context.imported(BUDGET.name)).set(left);
  }

  /** Looks at the budget now, and stops the run when it is used up. */
  checkBudget(insn: number): void {
    this.overBudget();
    this.code.open(OP.if);
    this.refill(insn);
    this.code.end();
  }

  /** Looks at the budget between two callbacks, which have counted in memory: those without loops do not look. */
  checkBetween(insn: number): void {
    if (!this.counts) return;
    this.runField(JR_LEFT).memory(OP['i64.load'], 3).i64(0).op(OP['i64.lt_s']).open(OP.if);
    this.reload(0);
    this.refill(insn);
    this.flush(0);
    this.code.end();
  }

  /** Ends the run as a fault. */
  fault(kind: number, insn: number): void {
    this.code.i32(kind).i32(insn);
    this.pushLeft(this.pending);
    this.code.call(this.context.imported(FAULT.name)).op(OP.unreachable);
  }

  /** Returns from the function with the i64 on the stack. */
  leave(): void {
    if (this.counts) {
      this.runField(JR_LEFT);
      this.pushLeft(this.pending);
      this.code.memory(OP['i64.store'], 3);
    }
    this.code.op(OP.return);
  }

  /** Pushes what bpf_throw passes on: what is left. */
  leftNow(): void {
    this.pushLeft(this.pending);
  }

  /** The function's beginning: its stack, zero as the interpreter has it. */
  prologue(): void {
    const { code, shape, left } = this;
    const size = shape.stack + shape.extra + shape.gap;
    if (size > 0) code.get(FRAME_PARAM).i32(size).op(OP['i32.sub']).set(this.sp);
    if (left >= 0) this.reload(0);
    if (shape.checksBudget) this.checkBudget(shape.entry);
    if (shape.stackLimit > 0) {
      code.get(this.sp).i32(shape.stackLimit).op(OP['i32.lt_u']).open(OP.if);
      this.fault(FAULT_CALL_DEPTH, shape.entry);
      code.end();
    }
    if (shape.stack > 0) this.clearStack();
    if (this.mayGoto >= 0) code.i32(BPF_MAX_LOOPS).set(this.mayGoto);
  }

  private clearStack(): void {
    const { code, shape } = this;
    if (shape.stack > STORES_UP_TO) {
      code.get(this.sp);
      if (shape.extra > 0) code.i32(shape.extra).op(OP['i32.add']);
      code.i32(0).i32(shape.stack).bulk(OP['memory.fill'], 1);
      return;
    }
    for (let at = 0; at < shape.stack; at += 8) {
      code
        .get(this.sp)
        .i64(0)
        .memory(OP['i64.store'], 3, shape.extra + at);
    }
  }

  // ---- edges

  hasEdgeCode({ select, cost, back }: Edge): boolean {
    return select >= 0 || (this.left >= 0 && (back || cost !== 0));
  }

  /** What taking an edge does: it counts, and tells a dispatcher where to go on. */
  edge({ select, cost }: Edge): void {
    const { code, left } = this;
    if (select >= 0) code.i32(select).set(this.selectLocal());
    if (left >= 0 && cost !== 0) code.get(left).i64(cost).op(OP['i64.sub']).set(left);
  }

  private selectLocal(): number {
    if (this.selector < 0) this.selector = this.code.local(I32);
    return this.selector;
  }

  /** Pushes what the last edge selected. */
  selected(): void {
    this.code.get(this.selectLocal());
  }
}
