/**
 * Numbers of the linked instructions (assembly/kernel/bpf/prog_layout.ts): the rows of the instruction table in order,
 * from 0, then what only the linker puts in. The build writes them into assembly/generated/ops.ts.
 */
import { insnRows, type Op } from '../uapi/insn.ts';

/** What is no instruction; behind the last one; a function that the engine runs itself; a call of what is not there. */
export const EXTRA_OPS = ['invalid', 'past_end', 'call_engine', 'call_nothing'] as const;
export type LinkedOp = Op | (typeof EXTRA_OPS)[number];

export const linkedOps: readonly LinkedOp[] = [...insnRows.map((row) => row.op), ...EXTRA_OPS];

const numbers = new Map(linkedOps.map((op, i) => [op, i]));

/** Number of a linked instruction. */
export function opNumber(op: LinkedOp): number {
  return numbers.get(op) as number;
}
