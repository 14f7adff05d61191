// Everything a machine can say of the code without running it. Runs all, then fails if any failed.
import { bin, run } from './lib.mjs';

const steps = [
  ['build', process.execPath, 'scripts/build.mjs', '--types'],
  ['types', bin('tsc'), '-p', 'tsconfig.json'],
  ['lint, format, layering', bin('biome'), 'check', '--error-on-warnings', '.'],
  ['unused code', bin('knip')],
  ['package shape', bin('publint'), '--strict'],
];

const failed = [];
for (const [name, command, ...args] of steps) {
  process.stdout.write(`# ${name}\n`);
  if (run(command, ...args)) failed.push(name);
}
if (failed.length) {
  process.stderr.write(`check failed: ${failed.join('; ')}\n`);
  process.exitCode = 1;
}
