import { readFileSync, statSync } from 'node:fs';
import { InputError } from '../../errors.ts';

/** Why a file could not be read, by errno name. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'is a directory; a file is needed',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
};

/** Files larger than this are no BPF object, BTF or vector file; reading them would only exhaust memory. */
const MAX_FILE = 256 * 1024 * 1024;

/**
 * Reads a file that the user named.
 * @throws InputError when it is missing, unreadable, a directory, or larger than 256 MiB
 */
export function readUserFile(path: string): Uint8Array<ArrayBuffer> {
  try {
    const info = statSync(path);
    if (info.isDirectory()) throw new InputError(path, '', 'is a directory; a file is needed');
    if (info.size > MAX_FILE) throw new InputError(path, '', `has ${info.size} bytes; at most ${MAX_FILE} are read`);
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new InputError(path, '', REASONS[code] ?? `cannot be read (${code || String(error)})`);
  }
}
