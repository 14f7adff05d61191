/** What commands that run programs say of one that the kernel would not load. */
import type { Program } from '../machine/run.ts';
import { note, printJson } from './terminal.ts';

/** Says why libbpf or the verifier refuses a program, if one does. */
export function isRejected(program: Program, { json }: { readonly json?: boolean | undefined }): boolean {
  const { object, name, section, type, reject, verdict } = program;
  const refusal = reject ?? (verdict?.verdict === 'reject' ? verdict : null);
  if (!refusal) return false;
  const stage = reject ? 'loader' : 'verifier';
  const { errno, message } = refusal;
  const line = verdict?.source ?? null;
  const source = line && { file: line.file, line: line.line, text: line.text };
  if (json) {
    const insn = verdict?.insn ?? null;
    printJson({
      object: object.name,
      program: name,
      section,
      type,
      verdict: 'reject',
      stage,
      errno,
      message,
      insn,
      source,
    });
  } else {
    note(`${name}: rejected by the ${stage} (errno ${errno}): ${message}`);
    for (const more of verdict?.messageLines ?? []) if (more !== message) note(`  ${more}`);
    if (source) note(`  ${source.file}:${source.line}: ${source.text.trim()}`);
  }
  return true;
}
