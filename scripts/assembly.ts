/** What kernel.wasm exports, read from the AssemblyScript sources: every `export function` of assembly/index.ts's modules. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface WasmParam {
  readonly name: string;
  /** AssemblyScript type: usize, u32, u64, bool ... */
  readonly type: string;
}

export interface WasmFunction {
  readonly name: string;
  /** Module below assembly/, without .ts: `kernel/bpf/cpumask`. */
  readonly module: string;
  readonly params: readonly WasmParam[];
  readonly result: string;
}

const FUNCTION = /^export function (\w+)\(([^)]*)\): (\w+) \{/gm;

function parseParams(list: string): readonly WasmParam[] {
  return list
    .split(',')
    .map((param) => param.trim())
    .filter(Boolean)
    .map((param) => {
      const [name = '', type = ''] = param.split(':').map((part) => part.trim());
      return { name, type };
    });
}

/** The functions of one module's text. */
export function functionsOf(module: string, text: string): readonly WasmFunction[] {
  return [...text.matchAll(FUNCTION)].map(([, name = '', params = '', result = 'void']) => ({
    name,
    module,
    params: parseParams(params),
    result,
  }));
}

/** The functions of every module that assembly/index.ts re-exports, generated ones excepted. */
export function wasmFunctions(root: string): readonly WasmFunction[] {
  const assembly = dirname(join(root, 'assembly/index.ts'));
  const index = readFileSync(join(assembly, 'index.ts'), 'utf8');
  return [...index.matchAll(/^export \* from '\.\/(.+)';/gm)]
    .map(([, module = '']) => module)
    .filter((module) => !module.startsWith('generated/'))
    .flatMap((module) => functionsOf(module, readFileSync(join(assembly, `${module}.ts`), 'utf8')));
}

export const is64 = (type: string) => type === 'u64' || type === 'i64';
export const isPointer = (type: string) => type === 'usize';

/** TypeScript text of the interface that the exports have. */
export function exportsInterface(functions: readonly WasmFunction[]): string {
  const typeOf = (type: string) => (type === 'void' ? 'void' : is64(type) ? 'bigint' : 'number');
  const lines = functions.map(({ name, params, result }) => {
    const list = params.map((param) => `${param.name}: ${typeOf(param.type)}`).join(', ');
    return `  ${name}(${list}): ${typeOf(result)};\n`;
  });
  return `// Written by scripts/generate.ts from assembly/. Pointers are offsets; bool is 0 or 1.\nexport interface KernelExports {\n${lines.join('')}}\n`;
}
