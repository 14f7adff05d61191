import { fileURLToPath } from 'node:url';
import { HELPERS } from '../src/kernel/bpf/helpers/index.ts';
import { KFUNCS } from '../src/kernel/bpf/kfuncs/index.ts';
import { exportsInterface, functionsOf, wasmFunctions } from './assembly.ts';
import { dispatch } from './dispatch.ts';
import { opNumbers } from './ops.ts';

const root = fileURLToPath(new URL(PACKAGE_ROOT ?? '../', import.meta.url));
const functions = wasmFunctions(root);
const calls = dispatch(
  functions,
  KFUNCS.map((row, id) => ({ ...row, id })).filter((row) => row.run === 'call'),
  HELPERS.filter((row) => row.run === 'call'),
);

/** Files that the build writes from the tables: path -> content. */
export const files: Record<string, string> = {
  'assembly/generated/dispatch.ts': calls,
  'assembly/generated/ops.ts': opNumbers(),
  'src/kernel/generated/exports.ts': exportsInterface([...functions, ...functionsOf('generated/dispatch', calls)]),
};
