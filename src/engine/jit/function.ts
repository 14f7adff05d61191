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
import { OP } from './opcodes.ts';
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

function emitBlock(f: FunctionEmitter, block: Block, pending: number): void {
  const { rows, length } = f.context.decoded;
  f.blockStart = block.first;
  f.pending = pending;
  for (let i = block.first; i < block.end; i += slotsOf(f.context.decoded, i)) {
    f.pending++;
    const row = rows[i];
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

/** Emits a function's code. `pending`: instructions not counted when a block begins, by block. */
export function emitFunction(f: FunctionEmitter, graph: Graph, flow: Flow, pending: Int32Array): void {
  const { rows } = f.context.decoded;
  f.prologue();
  emitStructure(graph, flow, {
    code: f.code,
    block: (block) => {
      if (!block.dispatcher) emitBlock(f, block, pending[block.id] as number);
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
