import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Btf } from '../../src/btf/btf.ts';
import { loadProfile } from '../../src/kernel/profile.ts';
import { errnoName } from '../../src/uapi/errno.ts';
import { verify } from '../../src/verifier/index.ts';
import { initRange } from '../../src/verifier/range.ts';
import { caseProgram, lastMessage } from './case.ts';
import { allCases } from './cases/index.ts';
import { documentedCases, documentedProfile } from './documented.ts';

const read = (path: string): Buffer => readFileSync(new URL(path, import.meta.url));
const expected = JSON.parse(read('expected.json').toString()) as Record<string, string>;
const btf = Btf.parse(brotliDecompressSync(read('../data/btf/6.18.44.btf.br')));
const profile = loadProfile({ release: '6.18', readBtf: () => btf });
initRange(Uint8Array.from(read('../../dist/verifier.wasm')));

describe('what a kernel would say that cannot be asked', () => {
  for (const test of documentedCases) {
    it(test.name, () => {
      const of = documentedProfile(test);
      const options = { logLevel: test.logs ? 2 : 4, caps: test.caps ?? 'all' } as const;
      const { errno, log } = verify(caseProgram(test, of.btf), of, options);
      const have = errno ? `${errnoName(errno)} ${lastMessage(log)}`.trim() : 'accept';
      expect(have.replace(/btf_id \d+/, 'btf_id ID')).toBe(test.says);
      if (test.logs) expect(log.split('\n')).toContain(test.logs);
    });
  }
});

describe('what a 6.18 says of small programs', () => {
  for (const test of allCases) {
    it(test.name, () => {
      const verdict = verify(caseProgram(test, btf), profile, {
        logLevel: test.logs ? 2 : 4,
        caps: test.caps ?? 'all',
      });
      const have = verdict.errno ? `${errnoName(verdict.errno)} ${lastMessage(verdict.log)}`.trim() : 'accept';
      expect(have).toBe(expected[test.name]);
      if (test.logs) expect(verdict.log.split('\n')).toContain(test.logs);
    });
  }
});
