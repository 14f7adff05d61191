/**
 * A project's own kernels: `.bpf-cpumask/profiles/NAME.json`, in the current folder or the nearest above it that has one, with the BTF
 * beside it. `bpf-cpumask profile build` writes them; --kernel NAME takes them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Btf } from '../../btf/btf.ts';
import { InputError } from '../../errors.ts';
import type { Release } from '../../kernel/bpf/rows.ts';
import { type Profile, profileReleases } from '../../kernel/profile.ts';
import { zlib } from './files.ts';
import { openProfile, readBtfFile } from './profile.ts';

const FOLDER = join('.bpf-cpumask', 'profiles');
const NAME = /^[A-Za-z0-9][\w.+-]{0,63}$/;

/** What NAME.json says. */
interface UserProfile {
  /** Release whose rules hold. */
  readonly kernel: Release;
  /** File with the BTF, beside it. */
  readonly btf: string;
}

export interface KernelOptions {
  readonly btf?: string | undefined;
  readonly nrCpus?: number | undefined;
}

const isRelease = (name: string): name is Release => /^[0-9]+\.[0-9]+$/.test(name);

function folderOf(from: string): string | null {
  for (let at = resolve(from); ; at = dirname(at)) {
    if (existsSync(join(at, FOLDER))) return join(at, FOLDER);
    if (dirname(at) === at) return null;
  }
}

/** Names of the project's own kernels. */
export function userKernels(from = process.cwd()): string[] {
  const folder = folderOf(from);
  const files = folder ? readdirSync(folder) : [];
  return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
}

function find(name: string, from: string): { readonly kernel: Release; readonly btf: string } {
  const folder = folderOf(from);
  const file = folder && NAME.test(name) ? join(folder, `${name}.json`) : null;
  if (!folder || !file || !existsSync(file)) {
    const known = [...profileReleases(), ...userKernels(from)].join(', ');
    throw new InputError('--kernel', '', `"${name}" is no release and no kernel of this project; there are ${known}`);
  }
  let said: Partial<UserProfile>;
  try {
    said = JSON.parse(readFileSync(file, 'utf8')) as Partial<UserProfile>;
  } catch {
    throw new InputError(file, '', 'is no JSON; `bpf-cpumask profile build` writes it');
  }
  const { kernel, btf } = said ?? {};
  if (typeof kernel !== 'string' || !isRelease(kernel) || typeof btf !== 'string' || !NAME.test(btf)) {
    throw new InputError(file, '', 'needs "kernel", a release, and "btf", a file beside it');
  }
  return { kernel, btf: join(folder, btf) };
}

/** Release whose rules hold for a kernel, by release or by a name of the project's. @throws InputError when there is none */
export function releaseOfKernel(name: string, from = process.cwd()): Release {
  return isRelease(name) ? name : find(name, from).kernel;
}

/** The profile of a kernel, by release or by a name of the project's. */
export function openKernel(name: string, { btf, nrCpus }: KernelOptions = {}, from = process.cwd()): Profile {
  const own = isRelease(name) ? { kernel: name, btf: undefined } : find(name, from);
  const file = btf ?? own.btf;
  return openProfile(own.kernel, {
    ...(file === undefined ? {} : { btf: file }),
    ...(nrCpus === undefined ? {} : { nrCpus }),
  });
}

/** Writes a kernel of the project's; the names of what was written, and what the BTF says. */
export function buildUserProfile(
  name: string,
  kernel: Release,
  btfFile: string,
  into = process.cwd(),
): { readonly files: readonly string[]; readonly types: number; readonly nrCpus: number } {
  if (!NAME.test(name) || isRelease(name)) {
    throw new InputError(
      '--name',
      '',
      `"${name}" is no name for a kernel: letters, digits, ".", "+", "-", "_", and no release`,
    );
  }
  if (!profileReleases().includes(kernel)) {
    throw new InputError('--kernel', '', `no rules are known for ${kernel}; there are ${profileReleases().join(', ')}`);
  }
  const bytes = readBtfFile(btfFile);
  const btf = Btf.parse(bytes, null, btfFile);
  const id = btf.find('cpumask', 'struct');
  if (!id || !btf.find('task_struct', 'struct')) {
    throw new InputError(btfFile, '', 'is no BTF of a whole kernel: it has no struct cpumask or task_struct');
  }
  const folder = folderOf(into) ?? join(into, FOLDER);
  mkdirSync(folder, { recursive: true });
  const files = [join(folder, `${name}.json`), join(folder, `${name}.btf.gz`)];
  const said: UserProfile = { kernel, btf: `${name}.btf.gz` };
  writeFileSync(files[1] as string, zlib().gzipSync(bytes, { level: 9 }));
  writeFileSync(files[0] as string, `${JSON.stringify(said, null, 2)}\n`);
  return { files, types: btf.nrTypes, nrCpus: btf.size(id) * 8 };
}
