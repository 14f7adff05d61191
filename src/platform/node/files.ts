import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
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

/** Loaded by those who need it: it takes a millisecond, as long as many a verdict. */
export const zlib = () => process.getBuiltinModule('node:zlib');

/** Files larger than this are no BPF object, BTF or vector file; reading them would only exhaust memory. */
const MAX_FILE = 256 * 1024 * 1024;

/**
 * Reads a file that the user named.
 * @throws InputError when it is missing, unreadable, a directory, or larger than 256 MiB
 */
export function readUserFile(path: string): Uint8Array<ArrayBuffer> {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const info = fstatSync(file);
    if (info.isDirectory()) throw new InputError(path, '', 'is a directory; a file is needed');
    if (info.size > MAX_FILE) throw new InputError(path, '', `has ${info.size} bytes; at most ${MAX_FILE} are read`);
    return info.isFile() ? new Uint8Array(readFileSync(file)) : readStream(path, file);
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new InputError(path || '""', '', REASONS[code] ?? `cannot be read (${code || String(error)})`);
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Pipes and devices: their size is not known before, and some never end. */
function readStream(path: string, file: number): Uint8Array<ArrayBuffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.alloc(1 << 20);
    const length = readSync(file, chunk);
    if (length === 0) return new Uint8Array(Buffer.concat(chunks));
    size += length;
    if (size > MAX_FILE)
      throw new InputError(path, '', `goes on after ${MAX_FILE} bytes, which is what is read at most`);
    chunks.push(chunk.subarray(0, length));
  }
}

/**
 * Reads a file that the user named, and unpacks it when it is .br or .gz.
 * @throws InputError as readUserFile does, and when it cannot be unpacked or unpacks to more than 256 MiB
 */
export function readPackedFile(path: string): Uint8Array {
  const bytes = readUserFile(path);
  const limit = { maxOutputLength: MAX_FILE };
  try {
    if (path.endsWith('.br')) return zlib().brotliDecompressSync(bytes, limit);
    if (path.endsWith('.gz') || (bytes[0] === 0x1f && bytes[1] === 0x8b)) return zlib().gunzipSync(bytes, limit);
  } catch (error) {
    throw new InputError(path, '', `cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  }
  return bytes;
}
