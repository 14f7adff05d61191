// `npm start`: builds what is not built, then runs the first example as a user would.
import { join } from 'node:path';
import { root, run } from './lib.mjs';

if (run(process.execPath, 'scripts/build.mjs')) process.exit(1);
const args = ['run', 'examples/affinity/affinity.bpf.o', '--cpus', '8', '--affinity', '1-5', '--times', '3'];
process.stdout.write(`\n$ bpf-cpumask ${args.join(' ')}\n\n`);
process.exitCode = run(process.execPath, join(root, 'dist/cli.cjs'), ...args);
