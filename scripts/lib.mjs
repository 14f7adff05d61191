// What the scripts share: where things are, how a TypeScript entry is bundled and run, what is up to date.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const cache = join(root, '.cache');

/** Every file below `dir`, sorted. */
export function filesBelow(dir) {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Bundles a TypeScript file for this Node; packages stay outside. Returns the path of the module written. */
export async function bundle(entry, outfile = join(cache, 'run', `${basename(entry, '.ts')}.mjs`)) {
  await build({
    entryPoints: [resolve(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    define: { PACKAGE_ROOT: JSON.stringify(pathToFileURL(`${root}/`).href) },
    logLevel: 'warning',
  });
  return outfile;
}

/** Runs a command in the root with our terminal; returns its exit status. */
export function run(command, ...args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

/** Path of a tool installed by npm. */
export const bin = (name) => join(root, 'node_modules', '.bin', name);

/** Runs `make` unless `name` was last made from the same contents of `inputs` and `outputs` still exist. */
export async function whenChanged(name, inputs, outputs, make) {
  const hash = createHash('sha256');
  for (const file of inputs) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  const digest = hash.digest('hex');
  const stamp = join(cache, `${name}.sha256`);
  if (outputs.every(existsSync) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return false;
  await make();
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, digest);
  return true;
}
