/**
 * Every rule row of profiles/ and a program that shows it: whose answer is another when the row is not there.
 * `node scripts/run.mjs test/matrix/rows_oracle.ts [--write]` looks for one in the corpus and in the verifier's cases.
 */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import type { Release } from '../../src/kernel/bpf/rows.ts';
import { RELEASES } from '../../src/kernel/generated/releases.ts';
import { linkPrograms } from '../../src/kernel/link.ts';
import type { Profile } from '../../src/kernel/profile.ts';
import type { KernelProgram } from '../../src/kernel/program.ts';
import { loadObject } from '../../src/loader/object.ts';
import { verify } from '../../src/verifier/index.ts';
import { root } from '../root.ts';
import { corpusObject, readCorpus } from '../verdicts/corpus.ts';
import { callMatrix } from '../verifier/call_matrix.ts';
import { caseProgram, type VerifierCase } from '../verifier/case.ts';
import { allCases } from '../verifier/cases/index.ts';
import { answer, objectCases } from '../verifier/objects.ts';
import { matrixProfile } from './compare.ts';
import { releaseCases } from './release_cases.ts';

/** A row, and the release whose rules differ by it. */
export interface Row {
  readonly name: string;
  readonly kind: 'feature' | 'backport' | 'words';
  /** `jumps_too_complex_e2big`, `trustedNull`. */
  readonly rule: string;
  readonly release: Release;
}

const number = (release: string): number => {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major * 100 + minor;
};

/** All of them, but those that the simulated machine reads. */
export function ruleRows(): Row[] {
  const features = RELEASES.flatMap((file) => Object.entries(file.features));
  const machine = new Set<string>(features.flatMap(([name, { part }]) => (part === 'machine' ? [name] : [])));
  return RELEASES.flatMap((file, i): Row[] => {
    const row = (kind: Row['kind'], rule: string, release: Release): Row => ({
      name: `${file.release} ${kind} ${rule}`,
      kind,
      rule,
      release,
    });
    const verifier = Object.entries(file.features).filter(([name]) => !machine.has(name));
    const backports = Object.keys('backports' in file ? file.backports : {}).filter((name) => !machine.has(name));
    const before = RELEASES[i - 1]?.release ?? file.release;
    return [
      ...verifier.map(([name]) => row('feature', name, file.release)),
      ...backports.map((name) => row('backport', name, file.release)),
      ...Object.keys(file.words).map((id) => row('words', id, number(file.release) <= 618 ? before : file.release)),
    ];
  });
}

/** The same kernel, without one row. */
export function without(profile: Profile, { kind, rule }: Row): Profile {
  const changed = Object.create(profile) as Profile;
  if (kind === 'words') {
    const words = Object.fromEntries(Object.entries(profile.words).filter(([id]) => id !== rule));
    Object.defineProperty(changed, 'words', { value: words });
  } else {
    Object.defineProperty(changed, 'has', { value: (name: never) => name !== rule && profile.has(name) });
  }
  return changed;
}

/** Programs by name: `corpus life_leak.never_released`, `case NAME`, `object graph.push`, `release NAME`. */
export class Programs {
  private readonly objects: ReadonlyMap<string, KernelProgram | null>;
  private readonly cases: ReadonlyMap<string, VerifierCase>;

  constructor(private readonly profile: Profile) {
    const objects = objectCases(profile).map(({ name, linked }) => [name, linked.program] as const);
    const calls = ['graph', 'misc', 'global', 'more'].flatMap((name) => {
      const bytes = brotliDecompressSync(readFileSync(new URL(`test/data/calls/call_${name}.bpf.o.br`, root)));
      const linked = linkPrograms(loadObject(bytes, `call_${name}.bpf.o`), profile);
      return linked.map(({ spec, program }) => [`call_${name}.${spec.name}`, program] as const);
    });
    this.objects = new Map([...objects, ...calls]);
    this.cases = new Map([
      ...releaseCases.map((one) => [`release ${one.name}`, one] as const),
      ...allCases.map((one) => [`case ${one.name}`, one] as const),
      ...[...callMatrix(profile.btf)].map((one) => [`matrix ${one.name}`, one] as const),
    ]);
  }

  names(): string[] {
    return [
      ...readCorpus().map(({ file, program }) => `corpus ${file}.${program}`),
      ...[...this.objects.keys()].map((name) => `object ${name}`),
      ...this.cases.keys(),
    ];
  }

  /** What a kernel says of one, on one line. */
  answer(name: string, profile: Profile): string {
    const [kind, rest] = [name.slice(0, name.indexOf(' ')), name.slice(name.indexOf(' ') + 1)];
    const program = this.program(kind, rest);
    if (!program) return 'not linked';
    const { errno, message, log } = verify(program, profile, {
      cpus: 2,
      caps: this.caps(kind, rest),
      complexityLimit: 100_000,
    });
    return `${answer({ errno, message })} ${errno ? log.split('\n').slice(-4, -2).join(' ') : ''}`;
  }

  private program(kind: string, name: string): KernelProgram | null {
    if (kind === 'object') return this.objects.get(name) ?? null;
    if (kind === 'corpus') {
      const [file = '', program = ''] = name.split('.');
      return linkPrograms(corpusObject(file), this.profile, { programs: [program] })[0]?.program ?? null;
    }
    const test = this.cases.get(`${kind} ${name}`);
    return test ? caseProgram(test, this.profile.btf) : null;
  }

  private caps(kind: string, name: string): 'all' | 'bpf' {
    const row = kind === 'corpus' && readCorpus().find(({ file, program }) => `${file}.${program}` === name);
    const caps = row ? row.caps === 'CAP_BPF' && 'bpf' : this.cases.get(`${kind} ${name}`)?.caps;
    return caps || 'all';
  }
}

export const WITNESSES_FILE = new URL('test/matrix/witnesses.json', root);

/** Row name -> program name. */
export function readWitnesses(): Record<string, string> {
  return JSON.parse(readFileSync(WITNESSES_FILE, 'utf8')) as Record<string, string>;
}

export { matrixProfile };
