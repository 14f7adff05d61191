/** What the verifier says of a program: a value, never thrown. */
import type { LineSpec } from '../loader/spec.ts';
import type { Fixups } from './fixups.ts';

export interface VerdictStats {
  /** `processed N insns` of the log. */
  readonly insnsProcessed: number;
  readonly maxStatesPerInsn: number;
  readonly totalStates: number;
  readonly peakStates: number;
  /** Bytes of stack of each function, as the log has it: `16+8`. */
  readonly stackDepth: string;
  readonly verificationTimeUs: number;
}

export interface Verdict {
  readonly verdict: 'accept' | 'reject';
  /** 0 when accepted, else positive. */
  readonly errno: number;
  /** The line of the log that states the reason; null when accepted. */
  readonly message: string | null;
  /** All lines that the verifier wrote of the reason. */
  readonly messageLines: readonly string[];
  /** Instruction at fault; null when accepted or when it is no single one. */
  readonly insn: number | null;
  /** Source line of that instruction. */
  readonly source: LineSpec | null;
  /** Instructions of the path that was rejected, oldest first. */
  readonly path: readonly number[];
  /** Instructions that acquired what is still held at the end of a rejected path. */
  readonly held: readonly number[];
  /** What an engine needs to know of an accepted program; null when rejected. */
  readonly fixups: Fixups | null;
  /** The text that the kernel would have put into the log buffer. */
  readonly log: string;
  readonly stats: VerdictStats;
}
