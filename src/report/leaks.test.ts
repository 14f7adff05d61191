import { describe, expect, it } from 'vitest';
import { type LeakReport, objectsReport } from './leaks.ts';

const leak = (over: Partial<LeakReport> = {}): LeakReport => ({
  type: 'bpf_cpumask',
  cpus: '1',
  refs: 1,
  lost: 1,
  unreachable: true,
  program: 'pick',
  insn: 7,
  source: { file: 'a.bpf.c', line: 3, text: '  mask = bpf_cpumask_create();' },
  ...over,
});

describe('lost references', () => {
  it('are grouped by where their objects were made, and name a few masks', () => {
    const masks = ['1', '2', '3', '4', '5', '5'].map((cpus) => leak({ cpus }));
    const { lines, leakedCount } = objectsReport(9, [...masks, leak({ insn: 9, source: null })]);
    expect(lines).toEqual([
      '6 x bpf_cpumask {1}, {2}, {3}, {4}, .. with 1 reference each, made by pick at a.bpf.c:3: mask = bpf_cpumask_create();',
      'bpf_cpumask {1} with 1 reference, made by pick at instruction 9',
    ]);
    expect(leakedCount).toBe(7);
  });

  it('of tasks have nobody who made them', () => {
    const task = leak({ type: 'struct task_struct', cpus: null, refs: 2, program: null, insn: null, source: null });
    expect(objectsReport(0, [{ ...task, unreachable: false }]).lines).toEqual([
      'struct task_struct: 1 of 2 references is held by no map',
    ]);
  });

  it('are bounded, whatever there is of them', () => {
    const many = Array.from({ length: 3000 }, (_, insn) => leak({ insn }));
    const { leaked, leakedCount, lines } = objectsReport(3000, many);
    expect([leaked.length, leakedCount, lines.length]).toEqual([1000, 3000, 21]);
    expect(lines.at(-1)).toBe('and others, made at 2,980 places');
  });
});
