/**
 * The interpreter's call tables: assembly/generated/dispatch.ts, one `case` per row with `run: 'call'`. Registers are
 * 64 bits in memory; a function takes and gives what its prototype says.
 */
import { InvariantError } from '../src/errors.ts';
import { is64, isPointer, type WasmFunction } from './assembly.ts';

/** A row of either table, as far as a call needs it. */
export interface CallRow {
  readonly id: number;
  readonly name: string;
  readonly proto: string;
}

type Shape = 'void' | 'pointer' | '64' | '32';

const WIDE = new Set(['u64', 's64', '__u64', '__s64', 'long', 'unsigned long', 'long long', 'size_t', 'ssize_t']);

/** How a C type travels: `const struct cpumask *src` is a pointer, `long` 64 bits, everything else 32. */
function shapeOf(type: string): Shape {
  if (type.includes('*')) return 'pointer';
  const bare = type.replace(/\bconst\b/g, '').trim();
  if (bare === 'void') return 'void';
  return WIDE.has(bare) ? '64' : '32';
}

/** Shapes of a prototype: result, then arguments. `bool (u32 cpu, struct bpf_cpumask *cpumask)`. */
export function parseProto(proto: string): { result: Shape; args: readonly Shape[] } {
  const match = /^(.*?)\s*\((.*)\)$/.exec(proto);
  if (!match) throw new InvariantError(`not a prototype: ${proto}`);
  const [, result = '', list = ''] = match;
  const args = list
    .split(',')
    .map((arg) => arg.trim())
    .filter((arg) => arg !== '' && arg !== 'void')
    .map((arg) => shapeOf(arg.includes('*') ? arg : arg.replace(/\s*\b\w+$/, '') || arg));
  return { result: shapeOf(result), args };
}

const shapeOfWasm = (type: string): Shape =>
  type === 'void' ? 'void' : isPointer(type) ? 'pointer' : is64(type) ? '64' : '32';

function callOf(row: CallRow, fn: WasmFunction): string {
  const { result, args } = parseProto(row.proto);
  const have = fn.params.map((param) => shapeOfWasm(param.type));
  // A function may take a pointer as the whole register: addresses that need not be kernel memory.
  const fits = have.length === args.length && have.every((shape, i) => shape === args[i] || shape === '64');
  const given = shapeOfWasm(fn.result);
  if (!fits || (given !== result && given !== 'void')) {
    throw new InvariantError(
      `${row.name}: assembly/${fn.module}.ts has ${shapeOfWasm(fn.result)} (${have.join(', ')}), its row ${result} (${args.join(', ')})`,
    );
  }
  const values = fn.params.map(({ type }, i) => {
    const from = `regs, ${8 * (i + 1)}`;
    if (is64(type)) return args[i] === '32' ? `<u64>load<u32>(${from})` : `load<${type}>(${from})`;
    if (type === 'bool') return `load<u8>(${from}) != 0`;
    return `load<${isPointer(type) ? 'u32' : type}>(${from})`;
  });
  const call = `${row.name}(${values.join(', ')})`;
  if (result === 'void') return `${call};`;
  if (given === 'void') return `${call};\n      store<u64>(regs, 0);`;
  if (result === 'pointer') return `store<u64>(regs, address(${call}));`;
  if (result === '64') return `store<u64>(regs, <u64>${call});`;
  return `store<u64>(regs, <u64><u32>${call});`;
}

/** Letters of a call as the JIT makes it: what each parameter takes of its register, then what becomes of the result. */
function lettersOf(row: CallRow, fn: WasmFunction): string {
  const { result, args } = parseProto(row.proto);
  const params = fn.params.map(({ type }, i) => {
    if (type === 'bool') throw new InvariantError(`${row.name}: the JIT has no letter for a bool parameter`);
    return is64(type) ? (args[i] === '32' ? 'z' : 'l') : 'i';
  });
  const given = fn.result === 'void';
  const letters: Readonly<Record<Shape, string>> = { void: '', pointer: 'p', 64: 'l', 32: 'i' };
  return `${params.join('')}:${given && result !== 'void' ? 'n' : letters[result]}`;
}

/**
 * Text of src/kernel/generated/calls.ts. Parameters: i the lower half, l all 64 bits, z the lower half as 64 bits. Result: i and
 * l as above, p an offset that becomes an address, n none though the prototype has one, nothing for void.
 */
export function kernelCalls(functions: readonly WasmFunction[], rows: readonly CallRow[]): string {
  const byName = new Map(functions.map((fn) => [fn.name, fn]));
  const lines = rows.map((row) => {
    const fn = byName.get(row.name);
    if (!fn) throw new InvariantError(`${row.name} has a row with run: 'call', and no function in assembly/`);
    return `  ${row.name}: '${lettersOf(row, fn)}',\n`;
  });
  return `// Written by scripts/generate.ts from the kfunc and helper rows: how each is called, see scripts/dispatch.ts.
export const KERNEL_CALLS: Readonly<Record<string, string>> = {
${[...new Set(lines)].join('')}};
`;
}

/** A switch over `rows`, and the functions it needs. */
function table(name: string, rows: readonly CallRow[], functions: ReadonlyMap<string, WasmFunction>): string {
  const cases = rows.map((row) => {
    const fn = functions.get(row.name);
    if (!fn) throw new InvariantError(`${row.name} has a row with run: 'call', and no function in assembly/`);
    return `    case ${row.id}:\n      ${callOf(row, fn)}\n      return true;\n`;
  });
  return `/** Calls row \`id\`; registers r0..r5 are u64 at \`regs\`. False when it is not a function of this module. */
export function ${name}(id: u32, regs: usize): bool {
  switch (id) {
${cases.join('')}    default:
      return false;
  }
}
`;
}

/** Text of assembly/generated/dispatch.ts. */
export function dispatch(
  functions: readonly WasmFunction[],
  kfuncs: readonly CallRow[],
  helpers: readonly CallRow[],
): string {
  const byName = new Map(functions.map((fn) => [fn.name, fn]));
  const imports = new Map<string, Set<string>>();
  for (const { name } of [...kfuncs, ...helpers]) {
    const fn = byName.get(name);
    if (fn) imports.set(fn.module, (imports.get(fn.module) ?? new Set()).add(name));
  }
  const importLines = [...imports]
    .sort()
    .map(([module, names]) => `import { ${[...names].sort().join(', ')} } from '../${module}';\n`);
  return `// Written by scripts/generate.ts from the kfunc and helper rows.
import { KERNEL_BASE_HI } from '../layout';
${importLines.join('')}
// @ts-ignore: decorator
@inline
function address(p: usize): u64 {
  return p ? (<u64>KERNEL_BASE_HI << 32) | <u64>p : 0;
}

${table('call_kfunc', kfuncs, byName)}
${table('call_helper', helpers, byName)}`;
}
