/**
 * Part of the build: keeps what V8 compiles of the command line while it does the typical work of a command, for this Node. Each command in
 * a process of its own, since V8 keeps all that a script has compiled; stdin is a program for `conform`, stdout is for nobody.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CACHED, codeCacheOf, openScript } from '../src/cli/script.ts';

const root = new URL(PACKAGE_ROOT ?? '../', import.meta.url);
process.chdir(fileURLToPath(root));

async function keep<Exports>(name: string, command: string, work: (exports: Exports) => Promise<void>): Promise<void> {
  const place = new URL(`dist/${name}`, root);
  const { compiled, exports } = openScript<Exports>(place, command);
  await work(exports);
  writeFileSync(codeCacheOf(fileURLToPath(place), command), compiled.createCachedData());
}

const succeed = (what: string, status: number): void => {
  if (status !== 0) throw new Error(`${what} ended with ${status}`);
};

const example = 'examples/share/share.bpf.o';
/** What each command typically does. */
const WORK: Readonly<Record<(typeof CACHED)[number], readonly (readonly string[])[]>> = {
  mask: [['mask', '0-3']],
  verify: [
    ['verify', example],
    ['verify', 'bench/verifier.bpf.o', '--prog', 'medium', '--json'],
  ],
  run: [['run', example]],
  matrix: [['matrix', example]],
};

const [asked] = process.argv.slice(2);
const command = CACHED.find((one) => one === asked);
if (command) {
  await keep<typeof import('../src/cli/main.ts')>('main.cjs', command, async ({ main }) => {
    for (const argv of WORK[command]) succeed(argv.join(' '), await main(argv));
  });
} else if (asked === 'conform') {
  await keep<typeof import('../src/cli/commands/conform.ts')>('conform.cjs', asked, async ({ conformAlone }) => {
    succeed('conform', conformAlone('00', {}));
  });
} else {
  const input = readFileSync(0);
  const self = fileURLToPath(import.meta.url);
  for (const one of [...CACHED, 'conform']) {
    execFileSync(process.execPath, [self, one], { input, stdio: ['pipe', 'ignore', 'inherit'] });
  }
}
