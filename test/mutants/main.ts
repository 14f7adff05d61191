/**
 * Mutation of ourselves: breaks the data plane one change at a time, builds kernel.wasm from it and runs its tests. A mutant
 * that no test notices survives, and fails the run. Arguments: only mutants of files whose name contains one of them.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { functionsOf } from '../../scripts/assembly.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

const root = fileURLToPath(new URL(PACKAGE_ROOT ?? '../../', import.meta.url));
const out = join(root, '.cache/mutants');

/** Tests of the data plane, the quickest to notice first. */
const TESTS = ['assembly', 'src/kernel/memory.test.ts', 'src/kernel/kfuncs_api.test.ts', 'test/parallel'];

const sourceOf = (file: string) => readFileSync(join(root, 'assembly', `${file}.ts`), 'utf8');

/** One mutant per kfunc of kernel/bpf/cpumask.c: its body gone. */
function withoutBody(): readonly Mutant[] {
  const file = 'kernel/bpf/cpumask';
  return functionsOf(file, sourceOf(file))
    .filter(({ name }) => name.startsWith('bpf_cpumask_'))
    .map(({ name, result }) => ({ file, within: name, find: '', replace: result === 'void' ? '' : 'return 0;' }));
}

/** The mutated text of a file. */
function mutate({ file, find, replace, within }: Mutant): string {
  const text = sourceOf(file);
  const head = within === undefined ? -1 : text.search(new RegExp(`function ${within}\\(`));
  if (within !== undefined && head < 0) throw new Error(`${file}: no function ${within}`);
  const start = within === undefined ? 0 : text.indexOf('{\n', head) + 1;
  const end = within === undefined ? text.length : text.indexOf('\n}\n', head);
  const body = text.slice(start, end);
  if (find === '') return `${text.slice(0, start)}\n  ${replace}${text.slice(end)}`;
  if (body.split(find).length !== 2) {
    throw new Error(`${file}${within ? `, ${within}` : ''}: stands ${body.split(find).length - 1} times: ${find}`);
  }
  // A function, because "$&" in a replacement text would mean something.
  return text.slice(0, start) + body.replace(find, () => replace) + text.slice(end);
}

/** Compiles assembly/ with one file's text replaced; null when that does not compile. */
async function compile(mutant: Mutant | null): Promise<Uint8Array | null> {
  const mutated = mutant && { path: `assembly/${mutant.file}.ts`, text: mutate(mutant) };
  let wasm: Uint8Array | null = null;
  const { error } = await asc.main(
    [
      ...['assembly/index.ts', '--outFile', 'out.wasm', '--runtime', 'stub', '--use', 'abort='],
      ...['--importMemory', '--noExportMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
      ...['--enable', 'threads', '--enable', 'simd', '--enable', 'bulk-memory', '--enable', 'mutable-globals'],
      ...['-O1', '--noAssert'],
    ],
    {
      readFile(name) {
        if (mutated && name === mutated.path) return mutated.text;
        const path = join(root, name);
        return existsSync(path) ? readFileSync(path, 'utf8') : null;
      },
      writeFile(_name, contents) {
        if (typeof contents !== 'string') wasm = contents;
      },
      listFiles: () => null,
    },
  );
  return error ? null : wasm;
}

/** Do the tests pass with this kernel.wasm? */
function testsPass(wasm: string): Promise<boolean> {
  return new Promise((resolve) => {
    const vitest = spawn(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--bail', '1', '--silent', '--reporter', 'dot', ...TESTS],
      { cwd: root, stdio: 'ignore', env: { ...process.env, KERNEL_WASM: wasm } },
    );
    // A mutant may hang: that is noticed too.
    const timer = setTimeout(() => vitest.kill('SIGKILL'), 60_000);
    vitest.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

const nameOf = ({ file, find, replace, within }: Mutant) =>
  `${file}${within ? ` ${within}` : ''}: ${find === '' ? 'body' : JSON.stringify(find)} -> ${JSON.stringify(replace)}`;

const wanted = process.argv.slice(2);
const mutants = [...withoutBody(), ...MUTANTS].filter(
  ({ file }) => wanted.length === 0 || wanted.some((part) => file.includes(part)),
);
mkdirSync(out, { recursive: true });
for (const mutant of mutants) mutate(mutant);

const intact = join(out, 'intact.wasm');
const whole = await compile(null);
if (!whole) throw new Error('assembly/ does not compile');
writeFileSync(intact, whole);
if (!(await testsPass(intact))) throw new Error('the tests fail without any mutation');

const survivors: string[] = [];
let pending: Promise<void> = Promise.resolve();
for (const [i, mutant] of mutants.entries()) {
  const wasm = await compile(mutant);
  if (!wasm) throw new Error(`does not compile: ${nameOf(mutant)}`);
  const path = join(out, `mutant${i & 1}.wasm`);
  await pending;
  writeFileSync(path, wasm);
  pending = testsPass(path).then((passed) => {
    if (passed) survivors.push(nameOf(mutant));
    console.log(`${passed ? 'SURVIVED' : 'killed  '} ${i + 1}/${mutants.length} ${nameOf(mutant)}`);
  });
}
await pending;
console.log(`${mutants.length - survivors.length} mutants killed, ${survivors.length} survived`);
for (const name of survivors) console.log(`  ${name}`);
process.exitCode = survivors.length ? 1 : 0;
