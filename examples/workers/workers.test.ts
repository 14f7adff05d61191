import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CpuMask, getAffinity } from '../../src/index.ts';
import { whyUnbound } from '../../test/support/affinity.ts';

const reason = whyUnbound();
const run = (...flags: string[]) =>
  spawnSync(process.execPath, [...flags, 'examples/workers/workers.mjs', '2'], { encoding: 'utf8' });

describe.skipIf(reason)(`workers on CPUs that a program chose${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it('run there and nowhere else', () => {
    const { stdout, stderr, status } = run();
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const own = getAffinity();
    const [, chosen = ''] = /the program chose (\S+)/.exec(stdout) ?? [];
    const usable = CpuMask.fromList(chosen);
    expect(`${usable}`).toBe(`${own.weight > 1 ? own.andnot(CpuMask.of(own.first ?? 0)) : own}`);
    const workers = [...stdout.matchAll(/^worker \d: allowed (\S+), ran on (\S+)$/gm)];
    expect(workers).toHaveLength(2);
    for (const [, allowed = '', ran = ''] of workers) {
      expect(allowed).toBe(chosen);
      expect(`${CpuMask.fromList(ran).andnot(usable)}`).toBe('');
    }
  });
});

it('workers elsewhere than on Linux: one line, status 3', () => {
  const elsewhere = 'data:text/javascript,Object.defineProperty(process, "platform", { value: "darwin" })';
  const { stdout, stderr, status } = run('--import', elsewhere);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^not supported yet: .*Linux.*\n$/);
  expect(status).toBe(3);
});
