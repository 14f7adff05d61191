/**
 * Verifier cases that are compiled C: every program of objects/*.bpf.o. What a live 6.18.44 (NR_CPUS 256, 2 CPUs) said of each is in
 * objects/expected.json; `node scripts/run.mjs test/verifier/objects_oracle.ts [--write]` asks it again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type LinkResult, linkPrograms } from '../../src/kernel/link.ts';
import type { Profile } from '../../src/kernel/profile.ts';
import { loadObject } from '../../src/loader/object.ts';
import { errnoName } from '../../src/uapi/errno.ts';

const folder = new URL(
  'test/verifier/objects/',
  typeof PACKAGE_ROOT === 'string' ? PACKAGE_ROOT : new URL('../../', import.meta.url),
);

export interface ObjectCase {
  /** `graph.push` */
  readonly name: string;
  readonly linked: LinkResult;
}

/** Every program of every object, linked against a kernel. */
export function objectCases(profile: Profile): ObjectCase[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.bpf.o'));
  return files.sort().flatMap((file) => {
    const spec = loadObject(new Uint8Array(readFileSync(new URL(file, folder))), file);
    return linkPrograms(spec, profile).map((linked) => ({ name: `${spec.name}.${linked.spec.name}`, linked }));
  });
}

/** Name -> `accept`, or errno and message. */
export function expectedOfObjects(): Record<string, string> {
  return JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as Record<string, string>;
}

export const EXPECTED_FILE = new URL('expected.json', folder);

/** The answer in one line. */
export function answer({ errno, message }: { readonly errno: number; readonly message: string | null }): string {
  return errno ? `${errnoName(errno)} ${message}`.trim() : 'accept';
}
