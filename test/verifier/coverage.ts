/** Which message of the verifier which case provokes: the cases of cases/ and the verdict corpus, run with a recorder. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { Btf } from '../../src/btf/btf.ts';
import { linkPrograms } from '../../src/kernel/link.ts';
import { loadProfile } from '../../src/kernel/profile.ts';
import { readAsset } from '../../src/platform/node/assets.ts';
import { verify } from '../../src/verifier/index.ts';
import { msg } from '../../src/verifier/messages.ts';
import { initRange } from '../../src/verifier/range.ts';
import { corpusObject, corpusProfile, readCorpus } from '../verdicts/corpus.ts';
import { caseProgram } from './case.ts';
import { allCases } from './cases/index.ts';

type Message = (...args: never[]) => string | readonly string[];

/** Message name -> what provokes it, in the order tried, and the words it came in. */
export interface Coverage {
  readonly by: string[];
  sample: string;
}

/** Runs every case and corpus program; each message is noted when it is worded. */
export function messageCoverage(): Map<string, Coverage> {
  initRange(readAsset('dist/verifier.wasm'));
  const table = msg as unknown as Record<string, Message>;
  const found = new Map<string, Coverage>(Object.keys(table).map((name) => [name, { by: [], sample: '' }]));
  const original = { ...table };
  let current = '';
  for (const [name, word] of Object.entries(original)) {
    table[name] = (...args) => {
      const words = word(...args);
      const row = found.get(name);
      if (row && !row.by.includes(current)) {
        row.by.push(current);
        row.sample ||= typeof words === 'string' ? words : words.join(' ');
      }
      return words;
    };
  }
  try {
    const btf = Btf.parse(brotliDecompressSync(readFileSync(new URL('test/data/btf/6.18.44.btf.br', PACKAGE_ROOT))));
    for (const test of allCases) {
      current = test.name;
      verify(caseProgram(test, btf), loadProfile({ release: '6.18', readBtf: () => btf }), {
        caps: test.caps ?? 'all',
        cpus: 2,
      });
    }
    const profile = corpusProfile();
    for (const row of readCorpus()) {
      current = `${row.file}.${row.program}`;
      const [linked] = linkPrograms(corpusObject(row.file), profile, { programs: [row.program] });
      if (!linked?.program) continue;
      verify(linked.program, profile, { caps: row.caps === 'CAP_BPF' ? 'bpf' : 'all', cpus: 2 });
    }
  } finally {
    Object.assign(table, original);
  }
  return found;
}
