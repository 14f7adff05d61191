/** Prints where `diff` finds a difference in the examples and the corpus: node scripts/run.mjs test/live/report.ts. */
import { NotSupported } from '../../src/errors.ts';
import { byLaterRule, diffEverything } from './diff_corpus.ts';

try {
  let [programs, ran, different, later] = [0, 0, 0, 0];
  for (const { object, diffs } of diffEverything()) {
    for (const diff of diffs) {
      const { program, differences, ran: wasRun } = diff;
      programs++;
      if (wasRun) ran++;
      if (byLaterRule(diff)) later++;
      else if (differences.length) different++;
      for (const { what, simulated, live } of differences) {
        console.log(`${object} ${program}: ${what}: simulated ${simulated}, live ${live}`);
      }
    }
  }
  console.log(
    `${programs} programs, ${ran} of them run on both kernels, ${different} different, ${later} by rules of later builds`,
  );
  process.exitCode = different ? 1 : 0;
} catch (error) {
  if (!(error instanceof NotSupported)) throw error;
  console.log(error.message);
  process.exitCode = 3;
}
