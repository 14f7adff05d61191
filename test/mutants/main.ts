/**
 * Mutation of ourselves: breaks the data plane one change at a time, builds kernel.wasm from it and runs its tests. A mutant
 * that no test notices survives, and fails the run. Arguments: only mutants of files whose name contains one of them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';
import { functionsOf } from '../../scripts/assembly.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { mutate, sourceOf } from './mutate.ts';

const root = fileURLToPath(new URL(PACKAGE_ROOT ?? '../../', import.meta.url));
const out = join(root, '.cache/mutants');

/** Tests of the data plane that take KERNEL_WASM. */
const TESTS = [
  'assembly/kernel/bpf/cpumask.test.ts',
  'assembly/kernel/bpf/memalloc.test.ts',
  'assembly/kernel/irq_work.test.ts',
  'assembly/kernel/rcu/rcu.test.ts',
  'assembly/lib/atomic.test.ts',
  'assembly/lib/find_bit.test.ts',
  'assembly/lib/refcount.test.ts',
  'assembly/mm/kasan.test.ts',
  'assembly/mm/slab.test.ts',
  'src/kernel/kfuncs_api.test.ts',
  'src/kernel/memory.test.ts',
  'test/parallel/parallel.test.ts',
];

/** What to ask first about a mutant of a file, by a part of its name: all of TESTS only when these let it through. */
const FIRST: readonly (readonly [part: string, tests: readonly string[]])[] = [
  ['lib/refcount', ['assembly/lib/refcount.test.ts', 'assembly/lib/atomic.test.ts']],
  ['lib/find_bit', ['assembly/lib/find_bit.test.ts']],
  ['lib/bitmap', ['assembly/lib/atomic.test.ts', 'assembly/kernel/bpf/cpumask.test.ts']],
  ['lib/', ['assembly/kernel/bpf/cpumask.test.ts']],
  [
    'bpf/cpumask',
    ['src/kernel/kfuncs_api.test.ts', 'assembly/lib/refcount.test.ts', 'assembly/kernel/bpf/memalloc.test.ts'],
  ],
  [
    'memalloc',
    ['assembly/lib/atomic.test.ts', 'assembly/kernel/bpf/memalloc.test.ts', 'assembly/kernel/rcu/rcu.test.ts'],
  ],
  ['rcu/', ['assembly/kernel/rcu/rcu.test.ts']],
  ['irq_work', ['assembly/kernel/irq_work.test.ts', 'assembly/kernel/bpf/memalloc.test.ts']],
  ['mm/kasan', ['assembly/mm/kasan.test.ts']],
  ['mm/slab', ['assembly/mm/slab.test.ts', 'src/kernel/memory.test.ts', 'assembly/mm/kasan.test.ts']],
];

/** The modules that the tests reach; the interpreter and what runs under it have tests of their own. */
const MODULES = [
  ...['kernel/gs', 'kernel/warn', 'lib/spinlock', 'mm/kasan', 'mm/slab', 'lib/bitmap', 'lib/cpumask', 'lib/find_bit'],
  ...['lib/refcount', 'kernel/rcu/tree', 'kernel/rcu/read_side', 'kernel/irq_work', 'kernel/bpf/memalloc'],
  ...['kernel/bpf/cpumask', 'kernel/bpf/obj', 'kernel/machine'],
];
const INDEX = MODULES.map((module) => `export * from './${module}';\n`).join('');

/** The slowest test takes a tenth of this. */
const TIMEOUT_MS = 60_000;

/** One mutant per kfunc of kernel/bpf/cpumask.c, and of those for read sections: its body gone. */
function withoutBody(): readonly Mutant[] {
  return ['kernel/bpf/cpumask', 'kernel/rcu/read_side'].flatMap((file) =>
    functionsOf(file, sourceOf(file))
      .filter(({ name }) => name.startsWith('bpf_'))
      .map(({ name, result }) => ({ file, within: name, find: '', replace: result === 'void' ? '' : 'return 0;' })),
  );
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
        if (name === 'assembly/index.ts') return INDEX;
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

/** Bundles the tests with the shim in vitest's place: path of the test -> URL of the bundle. */
async function bundleTests(): Promise<ReadonlyMap<string, string>> {
  await build({
    entryPoints: TESTS.map((test) => join(root, test)),
    outdir: out,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    alias: { vitest: join(root, 'test/mutants/vitest_shim.ts') },
    define: { PACKAGE_ROOT: JSON.stringify(pathToFileURL(`${root}/`).href) },
    logLevel: 'error',
  });
  return new Map(TESTS.map((test) => [test, pathToFileURL(join(out, test.replace(/\.ts$/, '.mjs'))).href]));
}

/** What fails first with this kernel.wasm; null when the tests pass. */
function failureOf(wasm: string, tests: readonly string[]): Promise<string | null> {
  const files = tests.map((test) => bundles.get(test));
  const worker = new Worker(join(root, 'test/mutants/run_tests.mjs'), { workerData: { wasm, files } });
  return new Promise((resolve) => {
    const settle = (failure: string | null) => {
      clearTimeout(timer);
      void worker.terminate();
      resolve(failure);
    };
    // A mutant may hang: that is noticed too.
    const timer = setTimeout(() => settle('does not end'), TIMEOUT_MS);
    worker.once('message', settle);
    worker.once('error', (error) => settle(error.message));
  });
}

/** What noticed the mutant; null when nothing did. */
async function noticed(wasm: string, { file }: Mutant): Promise<string | null> {
  const first = FIRST.find(([part]) => file.includes(part))?.[1] ?? [];
  return (await failureOf(wasm, first)) ?? failureOf(wasm, TESTS);
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
const bundles = await bundleTests();
const failure = await failureOf(intact, TESTS);
if (failure) throw new Error(`the tests fail without any mutation: ${failure}`);

const survivors: string[] = [];
/** Mutants that do not compile test nothing: the row is wrong. */
const broken: string[] = [];
let pending: Promise<void> = Promise.resolve();
for (const [i, mutant] of mutants.entries()) {
  const wasm = await compile(mutant);
  if (!wasm) {
    broken.push(nameOf(mutant));
    continue;
  }
  const path = join(out, `mutant${i & 1}.wasm`);
  await pending;
  writeFileSync(path, wasm);
  pending = noticed(path, mutant).then((by) => {
    if (by === null) survivors.push(nameOf(mutant));
    const verdict = by === null ? 'SURVIVED' : 'killed  ';
    const test = by === null ? '' : ` (${by.split(/[:\n]/)[0]})`;
    console.log(`${verdict} ${i + 1}/${mutants.length} ${nameOf(mutant)}${test}`);
  });
}
await pending;
console.log(`${mutants.length - survivors.length - broken.length} mutants killed, ${survivors.length} survived`);
for (const name of survivors) console.log(`  survived: ${name}`);
for (const name of broken) console.log(`  does not compile: ${name}`);
process.exitCode = survivors.length + broken.length ? 1 : 0;
