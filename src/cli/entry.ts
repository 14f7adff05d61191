/**
 * Where the command line starts. `conform` is run once per test by its runner, hundreds of times, so that it goes without
 * the argument parser; everything else is main.ts's. Both lie beside us in dist/, each as one script.
 */
import { explain } from './explain.ts';
import { CACHED, openScript } from './script.ts';
import { optimizeLater } from './tiering.ts';

const argv = process.argv.slice(2);

/** What `conform` was asked, or null where that is for the argument parser to say (help, mistakes). */
function conformArguments(rest: readonly string[]): { memory?: string; engine?: string; elf?: boolean } | null {
  const found: { memory?: string; engine?: string; elf?: boolean } = {};
  // Some runners hand their options over as one argument, and nothing as an empty one.
  const args = rest.flatMap((arg) => (arg.startsWith('--') ? arg.trim().split(/\s+/) : [arg]));
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--debug' || arg === '') continue;
    if (arg === '--elf') found.elf = true;
    else if (arg === '--engine' && i + 1 < args.length) found.engine = args[++i] as string;
    else if (!arg.startsWith('-') && found.memory === undefined) found.memory = arg;
    else return null;
  }
  return found;
}

const beside = <Exports>(name: string, command: string): Exports =>
  openScript<Exports>(new URL(name, import.meta.url), command).exports;
const direct = argv[0] === 'conform' ? conformArguments(argv.slice(1)) : null;
if (direct) {
  const { conformAlone } = beside<typeof import('./commands/conform.ts')>('conform.cjs', 'conform');
  try {
    process.exitCode = conformAlone(direct.memory, direct);
  } catch (error) {
    process.exitCode = explain(error, (line) => process.stderr.write(`${line}\n`));
  }
} else {
  const { main } = beside<typeof import('./main.ts')>(
    'main.cjs',
    CACHED.find((command) => command === argv[0]) ?? 'run',
  );
  if (argv[0] === 'verify' || argv[0] === 'matrix') optimizeLater();
  main(argv).then((status) => {
    process.exitCode = status;
  });
}
