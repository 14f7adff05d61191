/**
 * Part of the build: keeps what V8 compiles of the command line while it does typical work, for this Node. A process of its own:
 * stdin is a program for `conform`, stdout is for nobody.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { codeCacheOf, openScript } from '../src/cli/script.ts';

const root = new URL(PACKAGE_ROOT ?? '../', import.meta.url);
process.chdir(fileURLToPath(root));

async function keep<Exports>(name: string, work: (exports: Exports) => Promise<void>): Promise<void> {
  const place = new URL(`dist/${name}`, root);
  const { compiled, exports } = openScript<Exports>(place);
  await work(exports);
  writeFileSync(codeCacheOf(fileURLToPath(place)), compiled.createCachedData());
}

const succeed = (what: string, status: number): void => {
  if (status !== 0) throw new Error(`${what} ended with ${status}`);
};

await keep<typeof import('../src/cli/main.ts')>('main.cjs', async ({ main }) => {
  const example = 'examples/share/share.bpf.o';
  for (const argv of [
    ['mask', '0-3'],
    ['verify', example],
    ['verify', 'bench/verifier.bpf.o', '--prog', 'medium', '--json'],
    ['run', example],
    ['matrix', example],
  ]) {
    succeed(argv.join(' '), await main(argv));
  }
});
await keep<typeof import('../src/cli/commands/conform.ts')>('conform.cjs', async ({ conformAlone }) => {
  succeed('conform', conformAlone('00', {}));
});
