/** A program as the compiler reads it: the row of every instruction, what its calls call, and where its functions start. */
import { NotSupported } from '../../errors.ts';
import type { KernelMemory } from '../../kernel/memory.ts';
import { BPF_REG_FP, type InsnRow, Insns, isLdImm64, rowOf } from '../../uapi/insn.ts';
import type { LoadedProgram } from '../engine.ts';
import type { CallResolver, LinkedCall } from '../link.ts';

export interface DecodedProgram {
  readonly program: LoadedProgram;
  readonly insns: Insns;
  readonly length: number;
  /** Null: no instruction, or one that only the kernel itself may write. */
  readonly rows: readonly (InsnRow | null)[];
  /** By instruction. */
  readonly calls: ReadonlyMap<number, LinkedCall>;
  /** First instructions of functions, ascending: the program's own, called ones, callbacks, the exception callback. */
  readonly entries: readonly number[];
  /** Those of them whose address the program takes, or that the kernel calls. */
  readonly callbacks: readonly number[];
}

/** Where a jump or call to `target` leads: what is outside is the end of the program. */
export function clampTarget(length: number, target: number): number {
  return target >= 0 && target < length ? target : length;
}

/** Where the jump at `i` leads when it is taken. */
export function jumpTarget({ insns, length, rows }: DecodedProgram, i: number): number {
  const distance = rows[i]?.op === 'gotol' ? insns.imm[i] : insns.off[i];
  return clampTarget(length, i + 1 + (distance as number));
}

/** The function that the call or ld_imm64 at `i` names. */
export function functionTarget({ insns, length }: Pick<DecodedProgram, 'insns' | 'length'>, i: number): number {
  return clampTarget(length, i + 1 + (insns.imm[i] as number));
}

function decodeRow(insns: Insns, i: number): InsnRow | null {
  const row = rowOf(insns, i);
  if (!row || (insns.dst[i] as number) > BPF_REG_FP || row.form === 'percpu') return null;
  if (row.src === undefined && (insns.src[i] as number) > BPF_REG_FP) return null;
  if (row.form === 'imm64' && i + 1 >= insns.length) return null;
  return row;
}

/** Takes a program apart. Throws NotSupported, by name, for what the machine cannot call. */
export function decodeProgram(memory: KernelMemory, program: LoadedProgram, callOf: CallResolver): DecodedProgram {
  const insns = new Insns(program.insns);
  const rows = new Array<InsnRow | null>(insns.length).fill(null);
  const calls = new Map<number, LinkedCall>();
  const entries = new Set([0]);
  const callbacks = new Set<number>();
  for (let i = 0; i < insns.length; i++) {
    const row = decodeRow(insns, i);
    rows[i] = row;
    if (row?.op === 'call_local') entries.add(functionTarget({ insns, length: insns.length }, i));
    else if (row?.form === 'call') {
      const call = callOf(row.op, insns.imm[i] as number, insns.off[i] as number, program.environment, memory);
      if (call.run === 'none' && call.feature !== null && program.reached?.[i] !== 0) {
        throw new NotSupported(call.feature);
      }
      calls.set(i, call);
    } else if (row?.op === 'ld_imm64_func') {
      const target = functionTarget({ insns, length: insns.length }, i);
      entries.add(target);
      callbacks.add(target);
    }
    if (isLdImm64(insns, i)) i++;
  }
  const callback = program.exceptionCallback ?? null;
  if (callback !== null) {
    entries.add(callback);
    callbacks.add(callback);
  }
  return {
    program,
    insns,
    length: insns.length,
    rows,
    calls,
    entries: [...entries].sort((a, b) => a - b),
    callbacks: [...callbacks].sort((a, b) => a - b),
  };
}
