/** Compares verifier logs, apart from what differs between any two runs: times and statistics of memory. */

const IGNORED = /^(verification time|mark_precise:)/;

function lines(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => !IGNORED.test(line))
    .map((line) => line.replace(/0xffff8[0-9a-f]{11}/g, '0xKADDR'));
}

/** The first line that differs, with what comes before it; null when there is none. */
export function firstDifference(theirs: string, ours: string): string | null {
  const a = lines(theirs);
  const b = lines(ours);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === b[i]) continue;
    const before = a.slice(Math.max(0, i - 3), i).map((line) => `  ${line}\n`);
    return `${before.join('')}- ${a[i] ?? '(end)'}\n+ ${b[i] ?? '(end)'}`;
  }
  return null;
}
