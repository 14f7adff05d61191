import { readFileSync } from 'node:fs';
import { root } from '../root.ts';
import type { Mutant } from './mutants.ts';

/** The text of a file below assembly/. */
export const sourceOf = (file: string): string => readFileSync(new URL(`assembly/${file}.ts`, root), 'utf8');

/**
 * The mutated text of a file.
 * @throws Error when what the mutant breaks does not stand there exactly once
 */
export function mutate({ file, find, replace, within }: Mutant): string {
  const text = sourceOf(file);
  const head = within === undefined ? -1 : text.search(new RegExp(`function ${within}\\(`));
  if (within !== undefined && head < 0) throw new Error(`${file}: no function ${within}`);
  const start = within === undefined ? 0 : text.indexOf('{\n', head) + 1;
  const end = within === undefined ? text.length : text.indexOf('\n}\n', head);
  const body = text.slice(start, end);
  if (find === '') return `${text.slice(0, start)}\n  ${replace}${text.slice(end)}`;
  if (body.split(find).length !== 2) {
    throw new Error(`${file}${within ? `, ${within}` : ''}: stands ${body.split(find).length - 1} times: ${find}`);
  }
  // A function, because "$&" in a replacement text would mean something.
  return text.slice(0, start) + body.replace(find, () => replace) + text.slice(end);
}
