// `npm start`: builds what is not built, then runs the first example as a user would.
import { join } from 'node:path';
import { root, run } from './lib.mjs';

if (run(process.execPath, 'scripts/build.mjs')) process.exit(1);
process.stdout.write('\n$ bpf-cpumask run examples/affinity/affinity.bpf.o --cpus 8\n\n');
process.exitCode = run(
  process.execPath,
  join(root, 'dist/cli.js'),
  'run',
  'examples/affinity/affinity.bpf.o',
  '--cpus',
  '8',
);
