import { linkedOps } from '../src/engine/ops.ts';

/** Text of assembly/generated/ops.ts. */
export function opNumbers(): string {
  const lines = linkedOps.map((op, i) => `export const OP_${op.toUpperCase()} = ${i};`);
  return `// Written by scripts/generate.ts from src/uapi/insn.ts.\n${lines.join('\n')}\n`;
}
