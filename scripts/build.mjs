// Builds dist/: kernel.wasm from assembly/, the library and the command line from src/, and with --types the
// declarations. Steps whose inputs have not changed are skipped.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';
import { bin, bundle, cache, filesBelow, root, run, whenChanged } from './lib.mjs';

const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const wasm = join(dist, 'kernel.wasm');
const verifierWasm = join(dist, 'verifier.wasm');
mkdirSync(dist, { recursive: true });

/** Writes the call tables of the interpreter from the kfunc and helper rows. */
async function generate() {
  const { files } = await import(pathToFileURL(await bundle('scripts/generate.ts')).href);
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  }
}

async function buildKernel() {
  const { error, stderr } = await asc.main([
    join(root, 'assembly/index.ts'),
    ...['--outFile', wasm],
    ...['--textFile', join(cache, 'kernel.wat')],
    ...['--baseDir', root],
    ...['--runtime', 'stub', '--use', 'abort='],
    ...['--importMemory', '--noExportMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ...['--enable', 'threads', '--enable', 'simd', '--enable', 'bulk-memory', '--enable', 'mutable-globals'],
    ...['-O3', '--noAssert', '--converge'],
  ]);
  if (error) {
    rmSync(wasm, { force: true });
    process.stderr.write(String(stderr));
    throw new Error('kernel.wasm was not built');
  }
}

/** The verifier's number domain: its own memory, one instance, so globals are fine. */
async function buildVerifier() {
  const { error, stderr } = await asc.main([
    join(root, 'assembly/verifier/range.ts'),
    ...['--outFile', verifierWasm],
    ...['--baseDir', root],
    ...['--runtime', 'stub', '--use', 'abort=', '--initialMemory', '64'],
    ...['--enable', 'bulk-memory', '--enable', 'sign-extension'],
    ...['-O3', '--noAssert', '--converge'],
  ]);
  if (error) {
    rmSync(verifierWasm, { force: true });
    process.stderr.write(String(stderr));
    throw new Error('verifier.wasm was not built');
  }
}

async function buildScripts() {
  const common = {
    bundle: true,
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    define: { PACKAGE_ROOT: 'undefined' },
  };
  await build({
    ...common,
    entryPoints: [join(root, 'src/index.ts')],
    outfile: join(dist, 'index.js'),
    platform: 'node',
    sourcemap: true,
  });
  await build({
    ...common,
    entryPoints: [join(root, 'src/index.ts')],
    outfile: join(dist, 'browser.js'),
    platform: 'browser',
    target: 'es2022',
    sourcemap: true,
  });
  for (const [platform, outfile, format] of [
    // Node starts a thread with a CommonJS script in four fifths of the time.
    ['node', 'worker.cjs', 'cjs'],
    ['browser', 'browser_worker.js', 'esm'],
  ]) {
    const entry = join(root, `src/platform/${platform}/worker.ts`);
    // What neither imports nor exports would pass for CommonJS.
    const footer = { js: format === 'esm' ? 'export {};' : '' };
    const options = { entryPoints: [entry], outfile: join(dist, outfile), platform, format, footer };
    await build({ ...common, ...options, minify: true });
  }
  for (const file of readdirSync(dist)) {
    if (/^(chunk-.*|main|conform)\.js$|\.cache$/.test(file)) rmSync(join(dist, file));
  }
  const command = { ...common, outdir: dist, platform: 'node', packages: 'bundle', minify: true };
  await build({
    ...command,
    entryPoints: { cli: join(root, 'src/cli/entry.ts') },
    // Node starts a CommonJS script sooner than a module.
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    banner: { js: '#!/usr/bin/env node\nconst MODULE_URL = require("node:url").pathToFileURL(__filename);' },
    define: { ...common.define, 'import.meta.url': 'MODULE_URL' },
  });
  // For who names the module that the command line once was.
  writeFileSync(join(dist, 'cli.js'), "#!/usr/bin/env node\nimport './cli.cjs';\n");
  await build({
    ...command,
    entryPoints: { main: join(root, 'src/cli/main.ts'), conform: join(root, 'src/cli/commands/conform.ts') },
    external: ['koffi'],
    // src/cli/script.ts runs these.
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    banner: { js: '(function (exports, require, module, MODULE_URL) {' },
    footer: { js: '})' },
    define: { ...common.define, VERSION: JSON.stringify(version), 'import.meta.url': 'MODULE_URL' },
    plugins: [leanCommander],
  });
  await build({
    ...command,
    entryPoints: { matrix_worker: join(root, 'src/cli/matrix/worker.ts') },
  });
  const returnsZero = 'b7 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00';
  execFileSync(process.execPath, [await bundle('scripts/code_cache.ts')], {
    input: returnsZero,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

/**
 * Commander can start subcommands that are programs of their own, and loads half of Node's network code for it. Ours are not: it
 * gets the modules that it needs, by import, and none that it does not.
 */
const leanCommander = {
  name: 'lean-commander',
  setup({ onResolve, onLoad }) {
    const inCommander = ({ importer }) => /[\\/]commander[\\/]/.test(importer);
    onResolve({ filter: /^node:/ }, (args) => (inCommander(args) ? { path: args.path, namespace: 'lean' } : null));
    onLoad({ filter: /.*/, namespace: 'lean' }, ({ path }) => ({
      contents:
        path === 'node:child_process' ? 'export {};' : `export * from '${path}'; export { default } from '${path}';`,
      resolveDir: root,
    }));
  },
};

/** dist/index.d.ts as one file, and etc/bpf-cpumask.api.md beside it. */
function buildTypes() {
  if (run(bin('tsc'), '-p', 'scripts/tsconfig.types.json')) throw new Error('declarations were not written');
  const local = process.env.CI ? [] : ['--local'];
  if (run(bin('api-extractor'), 'run', ...local)) throw new Error('the API report differs: see above');
}

/** Kernel BTF is kept compressed in the repository; a program that starts often should not unpack and scan it each time. */
async function unpackProfiles() {
  const { Btf } = await import(pathToFileURL(await bundle('src/btf/btf.ts')).href);
  for (const file of readdirSync(join(root, 'profiles')).filter((name) => name.endsWith('.btf.br'))) {
    const to = join(dist, file.slice(0, -'.br'.length));
    const from = join(root, 'profiles', file);
    await whenChanged(basename(to), [from, ...filesBelow(join(root, 'src/btf'))], [to, `${to}.index`], () => {
      const bytes = brotliDecompressSync(readFileSync(from));
      writeFileSync(to, bytes);
      writeFileSync(`${to}.index`, Btf.parse(bytes).toIndex());
    });
  }
}

await unpackProfiles();
await generate();
await whenChanged(
  'kernel',
  [...filesBelow(join(root, 'assembly')), join(root, 'scripts/build.mjs')],
  [wasm],
  buildKernel,
);
await whenChanged(
  'verifier',
  [...filesBelow(join(root, 'assembly/verifier')), join(root, 'scripts/build.mjs')],
  [verifierWasm],
  buildVerifier,
);
copyFileSync(join(root, 'src/engine/live_golden.bpf.o'), join(dist, 'live_golden.bpf.o'));
await buildScripts();
if (process.argv.includes('--types')) buildTypes();
