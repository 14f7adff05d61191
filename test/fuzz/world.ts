import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAsset } from '../../src/platform/node/assets.ts';
import { openProfile } from '../../src/platform/node/profile.ts';
import type { FuzzWorld } from './case.ts';

const FOLDERS = ['examples', 'test/objects', 'test/data/verdicts/obj', 'test/verifier/objects'];

/** Seed objects, kernel and wasm that all cases share. `root`: folder of the repository. */
export function fuzzWorld(root: string): FuzzWorld {
  const seeds = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.o'))
      .sort()
      .map((file) => ({ name: join(folder, file), bytes: new Uint8Array(readFileSync(join(root, folder, file))) })),
  );
  return { seeds, profile: openProfile('6.18'), wasm: new WebAssembly.Module(readAsset('dist/kernel.wasm')) };
}
