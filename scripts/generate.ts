import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELPERS } from '../src/kernel/bpf/helpers/index.ts';
import { KFUNCS } from '../src/kernel/bpf/kfuncs/index.ts';
import { exportsInterface, functionsOf, wasmFunctions } from './assembly.ts';
import { dispatch, kernelCalls } from './dispatch.ts';
import { opNumbers } from './ops.ts';

const root = fileURLToPath(new URL(PACKAGE_ROOT ?? '../', import.meta.url));
const functions = wasmFunctions(root);
const kfuncs = KFUNCS.map((row, id) => ({ ...row, id })).filter((row) => row.run === 'call');
const helpers = HELPERS.filter((row) => row.run === 'call');
const calls = dispatch(functions, kfuncs, helpers);

/** Every release that has a file in profiles/, oldest first. */
function releases(): string {
  const number = (name: string): number => {
    const [major = 0, minor = 0] = name.split('.').map(Number);
    return major * 1000 + minor;
  };
  const names = readdirSync(join(root, 'profiles'))
    .filter((name) => /^\d+\.\d+\.ts$/.test(name))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort((a, b) => number(a) - number(b));
  const variable = (name: string): string => `linux_${name.replace('.', '_')}`;
  const imports = names.map((name) => `import ${variable(name)} from '../../../profiles/${name}.ts';`);
  return `${imports.join('\n')}\n\nexport const RELEASES = [${names.map(variable).join(', ')}] as const;\n`;
}

/** Files that the build writes from the tables: path -> content. */
export const files: Record<string, string> = {
  'assembly/generated/dispatch.ts': calls,
  'assembly/generated/ops.ts': opNumbers(),
  'src/kernel/generated/releases.ts': releases(),
  'src/kernel/generated/calls.ts': kernelCalls(functions, [...kfuncs, ...helpers]),
  'src/kernel/generated/exports.ts': exportsInterface([...functions, ...functionsOf('generated/dispatch', calls)]),
};
