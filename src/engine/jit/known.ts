/** What is certain of a register while a block is emitted: which instruction before, in the same block, gave it its value. */
import type { FunctionEmitter } from './emitter.ts';

/** The ld_imm64 that `register` has its value from at `i`; null when there is none, or it may have changed. */
export function sourceOf(f: FunctionEmitter, i: number, register: number): number | null {
  const { insns, rows } = f.context.decoded;
  let wanted = register;
  for (let at = i - 1; at >= f.blockStart; at--) {
    const row = rows[at];
    if (!row && rows[at - 1]?.form === 'imm64') continue;
    if (!row || row.form === 'call' || row.form === 'atomic') return null;
    if (row.form === 'store' || row.form === 'storeImm' || row.form === 'jmp' || insns.dst[at] !== wanted) continue;
    if (row.form === 'imm64') return at;
    if (row.op !== 'mov64_reg') return null;
    wanted = insns.src[at] as number;
  }
  return null;
}
