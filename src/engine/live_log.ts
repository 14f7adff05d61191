/** Lines of a kernel's verifier log. */
import type { VerdictStats } from '../verifier/verdict.ts';

/** Statistics at the end of a log (level 4), which state no reason. */
const STATISTICS = /^(verification time|stack depth|processed \d+ insns|mark_precise:|insns processed)/;

/** The line that states the reason of a rejection: the last one, or the first of an infinite loop's three; '' for none. */
export function reasonOf(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() && !line.startsWith(';') && !STATISTICS.test(line));
  const reason = lines.find((line) => line.startsWith('infinite loop detected')) ?? lines.at(-1) ?? '';
  // Some messages end without a newline.
  return reason.replace(/verification time \d+ usec$/, '');
}

/** What the statistics of a log say (level 4); 0 where it does not. */
export function statisticsOf(log: string): VerdictStats {
  const number = (pattern: RegExp) => Number(pattern.exec(log)?.[1] ?? 0);
  return {
    insnsProcessed: number(/^processed (\d+) insns/m),
    maxStatesPerInsn: number(/ max_states_per_insn (\d+)/),
    totalStates: number(/ total_states (\d+)/),
    peakStates: number(/ peak_states (\d+)/),
    stackDepth: /^stack depth (\S+)/m.exec(log)?.[1] ?? '0',
    verificationTimeUs: number(/^verification time (\d+) usec/m),
  };
}
