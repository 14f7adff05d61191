import { InputError } from '../errors.ts';
import type { ObjectSpec } from '../loader/spec.ts';

/**
 * Holds what --prog names against the object.
 * @throws InputError when the object has none of that name, or no programs at all
 */
export function checkPrograms({ programs }: ObjectSpec, path: string, wanted: readonly string[] = []): void {
  if (programs.length === 0) throw new InputError(path, '', 'has no programs');
  const names = programs.map(({ name }) => name);
  const missing = wanted.find((name) => !names.includes(name));
  if (missing === undefined) return;
  throw new InputError('--prog', '', `${path} has no program ${missing || '""'}; it has ${names.join(', ')}`);
}
