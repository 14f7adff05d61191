/** Lines of a kernel's verifier log. */

/** Statistics at the end of a log (level 4), which state no reason. */
const STATISTICS = /^(verification time|stack depth|processed \d+ insns|mark_precise:|insns processed)/;

/** The line that states the reason of a rejection: the last one, or the first of an infinite loop's three; '' for none. */
export function reasonOf(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() && !line.startsWith(';') && !STATISTICS.test(line));
  return lines.find((line) => line.startsWith('infinite loop detected')) ?? lines.at(-1) ?? '';
}

/** "processed 15 insns (limit 1000000) ..." and "verification time 79 usec" of a log; 0 where it does not say. */
export function statisticsOf(log: string): { insnsProcessed: number; verificationTimeUs: number } {
  return {
    insnsProcessed: Number(/^processed (\d+) insns/m.exec(log)?.[1] ?? 0),
    verificationTimeUs: Number(/^verification time (\d+) usec/m.exec(log)?.[1] ?? 0),
  };
}
