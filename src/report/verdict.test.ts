import { describe, expect, it } from 'vitest';
import { corpusObject, corpusProfile } from '../../test/verdicts/corpus.ts';
import { linkPrograms } from '../kernel/link.ts';
import { readAsset } from '../platform/node/assets.ts';
import { initRange, verify } from '../verifier/index.ts';
import { suggest } from './suggest.ts';
import { formatVerdict, type Judged, verdictToJson } from './verdict.ts';

initRange(readAsset('dist/verifier.wasm'));

function judge(file: string, name: string): Judged {
  const [linked] = linkPrograms(corpusObject(file), corpusProfile(), { programs: [name] });
  if (!linked) throw new Error(`no program ${name}`);
  const verdict = linked.program && verify(linked.program, corpusProfile(), { cpus: 2 });
  return { object: file, spec: linked.spec, program: linked.program, verdict, loader: linked.reject };
}

describe('the report on a verdict', () => {
  it('says where a leaked reference was acquired and how the path went', () => {
    const text = [...formatVerdict(judge('life_leak', 'leaked_on_one_branch'), (_part, line) => line)];
    expect(text[0]).toBe('reject  leaked_on_one_branch  syscall: EINVAL, by the verifier');
    expect(text).toContain('  held     life_leak.bpf.c:24  struct bpf_cpumask *m = bpf_cpumask_create();');
    expect(text).toContain('           life_leak.bpf.c:28  if (flag & 4)');
    expect(text.length).toBeLessThan(24);
  });

  it('is one line for an accepted program', () => {
    const text = [...formatVerdict(judge('arg_flavor', 'flavoured'), (_part, line) => line)];
    expect(text).toHaveLength(1);
    expect(text[0]).toMatch(/^accept {2}flavoured {2}syscall: 14 instructions, 1 states, \d+ us$/);
  });

  it('has the JSON fields of the contract', () => {
    const { verificationTimeUs, ...json } = verdictToJson(judge('life_leak', 'result_ignored'), false);
    expect(verificationTimeUs).toBeGreaterThan(0);
    expect(json).toEqual({
      object: 'life_leak',
      program: 'result_ignored',
      section: 'syscall',
      type: 'syscall',
      verdict: 'reject',
      stage: 'verifier',
      errno: 22,
      message: 'BPF_EXIT instruction in main prog would lead to reference leak',
      insnsProcessed: 3,
      insn: 2,
      source: { file: expect.stringMatching(/life_leak\.bpf\.c$/), line: 38, text: 'return 0;' },
    });
  });

  it('tells a refusal of the loader apart', () => {
    const json = verdictToJson(judge('arg_proto_few', 'one_argument'), false);
    expect([json.verdict, json.stage, json.insn]).toEqual(['reject', 'loader', null]);
  });
});

describe('suggest', () => {
  it.each([
    ['Possibly NULL pointer passed to trusted arg0', /NULL/],
    ['R1 must be a rcu pointer', /bpf_rcu_read_lock/],
    ['calling kernel function bpf_cpumask_create is not allowed', /program type/],
    ['R1 type=scalar expected=fp', /no pointer any more/],
    ['infinite loop detected at insn 3', /Bound the loop/],
  ])('%s', (line, say) => {
    expect(suggest([line])).toMatch(say);
  });

  it('says nothing where the message tells no cause', () => {
    expect(suggest(['unknown opcode ff'])).toBeNull();
  });
});
