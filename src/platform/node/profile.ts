/** BTF files on disk: the package's own, and any kernel's that the user names. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Btf } from '../../btf/btf.ts';
import { InputError } from '../../errors.ts';
import type { Release } from '../../kernel/bpf/rows.ts';
import { loadProfile, type Profile } from '../../kernel/profile.ts';
import { elfSectionData } from '../../loader/elf.ts';
import { readAsset } from './assets.ts';
import { readUserFile } from './files.ts';

/** A kernel's BTF has 4 to 8 MB; a file that unpacks to more than this is something else. */
const MAX_BTF = 256 << 20;

/**
 * Reads BTF from a file: raw, or an ELF file with a .BTF section, either also compressed as .br or .gz.
 * @throws InputError when it is none of these
 */
export function readBtfFile(path: string): Uint8Array {
  const bytes = unpack(path, readUserFile(path));
  if (bytes[0] !== 0x7f || bytes[1] !== 0x45) return bytes;
  const data = elfSectionData(bytes, '.BTF', path);
  if (!data) throw new InputError(path, 'section .BTF', 'the ELF file has none');
  return data;
}

/**
 * The profile of a release with the package's BTF, or with that of `btf`.
 * @throws NotSupported for a release without a profile; InputError for a bad file, when the BTF is first used
 */
export function openProfile(
  release: Release,
  options: { readonly btf?: string; readonly nrCpus?: number } = {},
): Profile {
  const { btf, nrCpus } = options;
  return loadProfile({
    release,
    nrCpus,
    what: btf,
    readBtf: (row) => {
      if (btf !== undefined) return readBtfFile(btf);
      return Btf.indexed(readAsset(row.btf), readAsset(`${row.btf}.index`), row.btf);
    },
  });
}

function unpack(path: string, bytes: Uint8Array): Uint8Array {
  const limit = { maxOutputLength: MAX_BTF };
  try {
    if (path.endsWith('.br')) return brotliDecompressSync(bytes, limit);
    if (path.endsWith('.gz') || (bytes[0] === 0x1f && bytes[1] === 0x8b)) return gunzipSync(bytes, limit);
  } catch (error) {
    throw new InputError(path, '', `cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  }
  return bytes;
}
