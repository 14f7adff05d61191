import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { loadObject } from '../loader/object.ts';
import { disassemble } from './disasm.ts';

const object = loadObject(new Uint8Array(readFileSync('test/objects/masks.bpf.o')), 'masks.bpf.o');
const listing = (name: string) => {
  const program = object.programs.find((candidate) => candidate.name === name);
  if (!program) throw new Error(`no ${name}`);
  return [...disassemble(object, program, (_part, text) => text)];
};

it('shows instructions below their source lines, with kfuncs, variables and jump targets by name', () => {
  expect(listing('lifetime').slice(0, 9)).toEqual([
    'lifetime:  SEC("tp_btf/task_newtask"), tracing, 45 instructions',
    '; masks.bpf.c:13: return (int)(bpf_get_current_pid_tgid() >> 32) == pid;',
    '   0: (85) call bpf_get_current_pid_tgid#14',
    '   1: (77) r0 >>= 32',
    '   2: (18) r1 = &pid',
    '   4: (61) r1 = *(u32 *)(r1 +0)',
    '; masks.bpf.c:39: if (!ours())',
    '   5: (5d) if r1 != r0 goto pc+37            ; to 43',
    '; masks.bpf.c:18: struct bpf_cpumask *mask = bpf_cpumask_create();',
  ]);
  expect(listing('lifetime')).toContain('   6: (85) call bpf_cpumask_create');
});

it('paints only what it is asked to', () => {
  const [program] = object.programs;
  if (!program) throw new Error('no program');
  const painted = [...disassemble(object, program, (part, text) => `<${part}>${text}</${part}>`)];
  expect(painted[0]).toMatch(/^<title>\w+:<\/title> {2}SEC/);
  expect(painted[1]).toMatch(/^<source>; .*<\/source>$/);
});
