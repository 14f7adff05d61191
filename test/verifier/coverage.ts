/** Which message of the verifier which case provokes: everything whose answer is the kernel's is run with a recorder. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { linkPrograms } from '../../src/kernel/link.ts';
import type { Profile } from '../../src/kernel/profile.ts';
import type { KernelProgram } from '../../src/kernel/program.ts';
import { loadObject } from '../../src/loader/object.ts';
import { verify } from '../../src/verifier/index.ts';
import { msg } from '../../src/verifier/messages.ts';
import { root } from '../root.ts';
import { corpusProfile } from '../verdicts/corpus.ts';
import { callMatrix } from './call_matrix.ts';
import { caseProgram, type VerifierCase } from './case.ts';
import { allCases } from './cases/index.ts';
import { documentedCases, documentedProfile } from './documented.ts';
import { objectCases } from './objects.ts';

type Message = (...args: never[]) => string | readonly string[];

/** What provokes a message: kind and name of the case, in the order tried. */
export type Coverage = ReadonlyMap<string, readonly string[]>;

const CALLS = ['graph', 'misc', 'global', 'more'] as const;

interface Case {
  readonly name: string;
  readonly profile: Profile;
  readonly program: KernelProgram;
  readonly caps?: 'bpf' | undefined;
  readonly logLevel?: number;
}

function caseOf(test: VerifierCase, profile: Profile): Case {
  const logLevel = test.logs ? 2 : 0;
  return { name: `case ${test.name}`, profile, program: caseProgram(test, profile.btf), caps: test.caps, logLevel };
}

function* allPrograms(): Generator<Case> {
  const profile = corpusProfile();
  for (const test of allCases) yield caseOf(test, profile);
  for (const test of documentedCases) yield caseOf(test, documentedProfile(test));
  for (const { name, linked } of objectCases(profile)) {
    if (linked.program) yield { name: `object ${name}`, profile, program: linked.program, logLevel: 2 };
  }
  for (const name of CALLS) {
    const file = new URL(`test/data/calls/call_${name}.bpf.o.br`, root);
    const object = loadObject(brotliDecompressSync(readFileSync(file)), name);
    for (const { spec, program } of linkPrograms(object, profile)) {
      if (program) yield { name: `object call_${name}.${spec.name}`, profile, program, logLevel: 2 };
    }
  }
  for (const test of callMatrix(profile.btf)) yield { ...caseOf(test, profile), name: `call ${test.name}` };
}

/** Runs every case; each message is noted when it is worded. initRange() has been called. */
export function messageCoverage(): Coverage {
  const table = msg as unknown as Record<string, Message>;
  const found = new Map<string, string[]>(Object.keys(table).map((name) => [name, []]));
  const original = { ...table };
  let current = '';
  for (const [name, word] of Object.entries(original)) {
    table[name] = (...args) => {
      const by = found.get(name);
      if (by && by.at(-1) !== current) by.push(current);
      return word(...args);
    };
  }
  try {
    for (const { name, profile, program, caps, logLevel } of allPrograms()) {
      current = name;
      // Some messages are for the log of all paths alone.
      verify(program, profile, { caps: caps ?? 'all', cpus: 2, logLevel: logLevel ?? 0 });
    }
  } finally {
    Object.assign(table, original);
  }
  return found;
}
