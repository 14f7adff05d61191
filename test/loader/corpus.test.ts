/** Every object of the verdict corpus loads, and links against the kernel that was asked as libbpf linked it. */
import { describe, expect, it } from 'vitest';
import { linkPrograms } from '../../src/kernel/link.ts';
import { corpusObject, corpusProfile, readCorpus } from '../verdicts/corpus.ts';

const rows = readCorpus();

describe('verdict corpus', () => {
  it('has every program that the objects have', () => {
    const files = [...new Set(rows.map((row) => row.file))];
    const have = files.flatMap((file) => corpusObject(file).programs.map((program) => `${file}.${program.name}`));
    expect(have.sort()).toEqual(rows.map((row) => `${row.file}.${row.program}`).sort());
  });

  it.each(rows.map((row) => [`${row.file}.${row.program}`, row] as const))('%s', (_, row) => {
    const spec = corpusObject(row.file);
    const [result] = linkPrograms(spec, corpusProfile(), { programs: [row.program] });
    const program = result?.spec;
    const { section, type, attachType } = program ?? {};
    expect({ section, type, attachType: row.attach_type ? attachType : undefined }).toEqual({
      section: row.section,
      type: row.prog_type,
      attachType: row.attach_type,
    });
    const refused = row.stage === 'loader' ? { errno: row.errno, message: row.message } : null;
    const reject = result?.reject ? { errno: result.reject.errno, message: result.reject.message } : null;
    expect(reject).toEqual(refused);
    if (row.insns !== null) expect(result?.program?.insns.length).toBe(row.insns * 8);
  });
});
