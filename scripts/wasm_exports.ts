/**
 * The types of kernel.wasm's exports, read from the AssemblyScript sources: every `export function` of a module that
 * assembly/index.ts re-exports.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FUNCTION = /^export function (\w+)\(([^)]*)\): (\w+) \{/gm;

function typeOf(type: string): string {
  if (type === 'void') return 'void';
  return type === 'i64' || type === 'u64' ? 'bigint' : 'number';
}

function params(list: string): string {
  return list
    .split(',')
    .map((param) => param.trim())
    .filter(Boolean)
    .map((param) => param.replace(/: (\w+)$/, (_, type: string) => `: ${typeOf(type)}`))
    .join(', ');
}

/** Text of src/kernel/generated/exports.ts. */
export function wasmExports(root: string): string {
  const index = join(root, 'assembly/index.ts');
  const modules = [...readFileSync(index, 'utf8').matchAll(/^export \* from '(.+)';/gm)].map((match) =>
    join(dirname(index), `${match[1]}.ts`),
  );
  const lines: string[] = [];
  for (const module of modules) {
    let source: string;
    try {
      source = readFileSync(module, 'utf8');
    } catch {
      continue; // Generated later in the same build; not for TypeScript.
    }
    for (const [, name, args, result] of source.matchAll(FUNCTION)) {
      lines.push(`  ${name}(${params(args ?? '')}): ${typeOf(result ?? 'void')};`);
    }
  }
  return `// Written by scripts/generate.ts from assembly/. Pointers are offsets; bool is 0 or 1.\nexport interface KernelExports {\n${lines.join('\n')}\n}\n`;
}
