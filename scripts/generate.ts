import { fileURLToPath } from 'node:url';
import { dispatch } from './dispatch.ts';
import { opNumbers } from './ops.ts';
import { wasmExports } from './wasm_exports.ts';

const root = fileURLToPath(new URL(PACKAGE_ROOT ?? '../', import.meta.url));

/** Files that the build writes from the tables: path -> content. */
export const files: Record<string, string> = {
  'assembly/generated/dispatch.ts': dispatch(),
  'assembly/generated/ops.ts': opNumbers(),
  'src/kernel/generated/exports.ts': wasmExports(root),
};
