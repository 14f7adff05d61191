/** Compiles one function: its instructions by form, in the structure of its graph. */
import { FAULT_OPCODE, FAULT_PAST_END } from '../../../assembly/kernel/bpf/prog_layout.ts';
import type { Form, InsnRow } from '../../uapi/insn.ts';
import { emitAcquire, emitAtomic, emitLoad, emitPacket, emitRelease, emitStore } from './access.ts';
import { emitAlu, emitCondition, emitEnd, emitMovsx, emitNeg } from './alu.ts';
import { emitCall } from './calls.ts';
import { type Block, type Graph, slotsOf } from './cfg.ts';
import { emitConstant } from './constants.ts';
import type { Flow } from './dominators.ts';
import type { FunctionEmitter } from './emitter.ts';
import type { Code } from './encoder.ts';
import type { Idiom } from './idioms.ts';
import { I64, OP } from './opcodes.ts';
import { emitStructure } from './structure.ts';

type Handler = (f: FunctionEmitter, i: number, row: InsnRow) => void;

/** Left to the structure: it branches. */
const nothing: Handler = () => undefined;

const forms: Readonly<Record<Form, Handler>> = {
  alu: emitAlu,
  neg: emitNeg,
  end: emitEnd,
  movsx: emitMovsx,
  // Address spaces are one here: an arena pointer is its kernel address.
  cast: (f, i) => {
    f.get(f.insns.src[i] as number);
    f.set(f.insns.dst[i] as number);
  },
  percpu: (f, i) => f.fault(FAULT_OPCODE, i),
  load: emitLoad,
  store: emitStore,
  storeImm: emitStore,
  atomic: emitAtomic,
  acquire: emitAcquire,
  release: emitRelease,
  imm64: emitConstant,
  packet: emitPacket,
  ja: nothing,
  jmp: nothing,
  mayGoto: nothing,
  call: emitCall,
  exit: (f) => {
    f.get(0);
    f.leave();
  },
};

/** A function as its graph, and what is known of it. */
export interface FunctionCode {
  readonly graph: Graph;
  readonly flow: Flow;
  /** Instructions not counted when a block begins, by block. */
  readonly pending: Int32Array;
  /** By the instruction that ends each. */
  readonly idioms: ReadonlyMap<number, Idiom>;
}

const IDIOMS: Readonly<Record<Idiom['kind'], (code: Code) => Code>> = {
  popcount64: (code) => code.op(OP['i64.popcnt']),
  popcount32: (code) => code.op(OP['i32.wrap_i64']).op(OP['i32.popcnt']).op(OP['i64.extend_i32_u']),
  'zero-extend': (code) => code.op(OP['i32.wrap_i64']).op(OP['i64.extend_i32_u']),
  'sign-extend': (code) => code.op(OP['i64.extend32_s']),
};

/** What idioms start from, kept in locals: by the instruction before which, and by the one that uses it. */
class Idioms {
  /** Whether there is any: most functions have none. */
  readonly some: boolean;
  private readonly saves = new Map<number, { readonly register: number; readonly local: number }[]>();
  private readonly ends = new Map<number, { readonly kind: Idiom['kind']; readonly local: number }>();

  constructor(
    private readonly f: FunctionEmitter,
    found: ReadonlyMap<number, Idiom>,
  ) {
    this.some = found.size > 0;
    for (const [i, { kind, before, register }] of found) {
      const local = f.code.local(I64);
      this.ends.set(i, { kind, local });
      this.saves.set(before, [...(this.saves.get(before) ?? []), { register, local }]);
    }
  }

  save(i: number): void {
    const saves = this.saves.get(i);
    if (saves) for (const { register, local } of saves) this.f.get(register).set(local);
  }

  /** Emits the instruction as the end of an idiom, if it is one. */
  end(i: number): boolean {
    const found = this.ends.get(i);
    if (!found) return false;
    IDIOMS[found.kind](this.f.code.get(found.local));
    this.f.set(this.f.insns.dst[i] as number);
    return true;
  }
}

function emitBlock(f: FunctionEmitter, block: Block, pending: number, idioms: Idioms): void {
  const { rows, length } = f.context.decoded;
  const { some } = idioms;
  f.blockStart = block.first;
  f.pending = pending;
  for (let i = block.first; i < block.end; i += slotsOf(f.context.decoded, i)) {
    f.pending++;
    const row = rows[i];
    if (some) {
      idioms.save(i);
      if (idioms.end(i)) continue;
    }
    if (row) forms[row.form](f, i, row);
    else f.fault(FAULT_OPCODE, i);
  }
  if (block.first < length || block.dispatcher) return;
  f.pending++;
  f.fault(FAULT_PAST_END, length);
}

/** Leaves an i32: while there are rounds left, they count down and the jump is not taken. */
function emitMayGoto(f: FunctionEmitter): void {
  const { code, mayGoto } = f;
  code.get(mayGoto).op(OP['i32.eqz']);
  code.get(mayGoto).get(mayGoto).i32(0).op(OP['i32.ne']).op(OP['i32.sub']).set(mayGoto);
}

/** Emits a function's code. */
export function emitFunction(f: FunctionEmitter, { graph, flow, pending, idioms: found }: FunctionCode): void {
  const { rows } = f.context.decoded;
  const idioms = new Idioms(f, found);
  f.prologue();
  emitStructure(graph, flow, {
    code: f.code,
    block: (block) => {
      if (!block.dispatcher) emitBlock(f, block, pending[block.id] as number, idioms);
    },
    condition: ({ end }) => {
      const row = rows[end - 1] as InsnRow;
      if (row.form === 'mayGoto') emitMayGoto(f);
      else emitCondition(f, end - 1, row);
    },
    edge: (edge) => f.edge(edge),
    hasEdgeCode: (edge) => f.hasEdgeCode(edge),
    selected: () => f.selected(),
    overBudget: () => f.overBudget(),
    refill: ({ first }) => f.refill(first),
  });
  f.code.op(OP.unreachable);
}
