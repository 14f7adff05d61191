import { fileURLToPath } from 'node:url';
import { wasmExports } from './wasm_exports.ts';

const root = fileURLToPath(new URL(PACKAGE_ROOT ?? '../', import.meta.url));

/** Files that the build writes from the tables: path -> content. */
export const files: Record<string, string> = {
  'src/kernel/generated/exports.ts': wasmExports(root),
};
