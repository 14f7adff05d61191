import { describe, expect, it } from 'vitest';
import { openProfile } from '../platform/node/profile.ts';
import { withStructSize } from './resize.ts';

/** What the struct of a name looks like: its size, and where its members lie, in bytes. */
function layout(btf: ReturnType<typeof withStructSize>, name: string): { size: number; at: Record<string, number> } {
  const id = btf.find(name, 'struct');
  const type = btf.type(id);
  if (type.kind !== 'struct') throw new Error(name);
  return { size: btf.size(id), at: Object.fromEntries(type.members.map((m) => [m.name, Math.floor(m.bitOffset / 8)])) };
}

describe.each(['6.12', '6.18', '7.2'] as const)('the BTF of %s with other masks', (release) => {
  const { btf } = openProfile(release);
  const small = withStructSize(btf, 'cpumask', 32);

  it('has the struct, its array and what embeds it in the new size', () => {
    expect([layout(btf, 'cpumask').size, layout(small, 'cpumask').size]).toEqual([1024, 32]);
    expect(layout(small, 'bpf_cpumask').size).toBe(layout(btf, 'bpf_cpumask').size - 992);
    const cpumask = small.type(small.find('cpumask', 'struct'));
    const bits = cpumask.kind === 'struct' ? (cpumask.members[0]?.type ?? 0) : 0;
    expect(small.size(bits)).toBe(32);
  });

  it('moves what lies behind a mask, and nothing else', () => {
    const [before, after] = [layout(btf, 'task_struct').at, layout(small, 'task_struct').at];
    expect(after.cpus_mask).toBe(before.cpus_mask);
    expect(after.pid).toBe((before.pid ?? 0) - 992);
    expect(after.cpus_ptr).toBe(before.cpus_ptr);
    expect(layout(small, 'mm_struct').size).toBeGreaterThan(0);
    expect(layout(small, 'sk_buff')).toEqual(layout(btf, 'sk_buff'));
  });

  it('leaves the original as it was, keeps ids, and is made once', () => {
    expect(layout(btf, 'cpumask').size).toBe(1024);
    expect(small.find('task_struct', 'struct')).toBe(btf.find('task_struct', 'struct'));
    expect(withStructSize(btf, 'cpumask', 32)).toBe(small);
    expect(withStructSize(btf, 'cpumask', 1024)).toBe(btf);
    expect(withStructSize(btf, 'no_such_struct', 8)).toBe(btf);
  });

  it('comes back to the same layout', () => {
    const back = withStructSize(small, 'cpumask', 1024);
    expect(layout(back, 'task_struct')).toEqual(layout(btf, 'task_struct'));
  });
});
