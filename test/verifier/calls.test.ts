import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { linkPrograms } from '../../src/kernel/link.ts';
import { loadObject } from '../../src/loader/object.ts';
import { initRange, verify } from '../../src/verifier/index.ts';
import { corpusProfile } from '../verdicts/corpus.ts';
import { callMatrix } from './call_matrix.ts';
import { caseProgram, lastMessage } from './case.ts';

const read = (path: string): Buffer => readFileSync(new URL(`../data/calls/${path}`, import.meta.url));
const profile = corpusProfile();
initRange(Uint8Array.from(readFileSync(new URL('../../dist/verifier.wasm', import.meta.url))));

describe('every helper and kfunc', () => {
  const answers = JSON.parse(brotliDecompressSync(read('matrix.json.br')).toString()) as Record<string, string[]>;
  const expected = new Map(Object.entries(answers).flatMap(([answer, names]) => names.map((name) => [name, answer])));

  it('is checked as a 6.18 checks it, whatever the arguments', () => {
    const wrong: string[] = [];
    let count = 0;
    for (const test of callMatrix(profile.btf)) {
      const { errno, log } = verify(caseProgram(test, profile.btf), profile, { logLevel: 4, cpus: 2 });
      const have = errno ? `${errno} ${lastMessage(log)}` : 'accept';
      const want = expected.get(test.name);
      if (have !== want) wrong.push(`${test.name}: ${have}, kernel: ${want}`);
      count++;
    }
    expect(wrong).toEqual([]);
    expect(count).toBe(expected.size);
  });
});

interface Said {
  readonly program: string;
  readonly errno: number;
  readonly message: string | null;
}

describe.each(['graph', 'misc', 'global', 'more'])('programs of call_%s.bpf.c', (name) => {
  const object = loadObject(brotliDecompressSync(read(`call_${name}.bpf.o.br`)), `call_${name}.bpf.o`);
  const said = JSON.parse(read(`call_${name}.json`).toString()) as Said[];
  const linked = new Map(linkPrograms(object, profile).map((result) => [result.program?.name, result.program]));
  it.each(said.map((one) => [one.program, one] as const))('%s', (_, { program, errno, message }) => {
    const found = linked.get(program);
    if (!found) throw new Error(`${program} is not in the object`);
    const verdict = verify(found, profile, { logLevel: 4, cpus: 2 });
    expect([verdict.errno, verdict.message]).toEqual([errno, message]);
  });
});
