/** BTF files on disk: the package's own, and any kernel's that the user names. */
import { Btf } from '../../btf/btf.ts';
import { InputError } from '../../errors.ts';
import type { Release } from '../../kernel/bpf/rows.ts';
import { loadProfile, type Profile } from '../../kernel/profile.ts';
import { elfSectionData } from '../../loader/elf.ts';
import { readAsset } from './assets.ts';
import { readPackedFile } from './files.ts';

/**
 * Reads BTF from a file: raw, or an ELF file with a .BTF section, either also compressed as .br or .gz.
 * @throws InputError when it is none of these
 */
export function readBtfFile(path: string): Uint8Array {
  const bytes = readPackedFile(path);
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
      return btf === undefined ? packageBtf(row.btf) : readBtfFile(btf);
    },
  });
}

/** BTFs of the package that somebody holds: most releases share one, and reading 6 MB takes longer than a small verdict. */
const opened = new Map<string, WeakRef<Btf>>();

function packageBtf(path: string): Btf {
  const known = opened.get(path)?.deref();
  if (known) return known;
  const btf = Btf.indexed(readAsset(path), readAsset(`${path}.index`), path);
  opened.set(path, new WeakRef(btf));
  return btf;
}
