import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { InputError } from '../../errors.ts';
import { CpuMask } from '../../kernel/cpu_mask.ts';
import { getAffinity, gettid, hostCpus, hostTopology, setAffinity } from './sched_affinity.ts';

const reason = process.platform === 'linux' ? '' : 'not Linux';

describe.skipIf(reason)(`CPU affinity of threads${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const before = reason ? CpuMask.of() : getAffinity();
  const last = [...before].at(-1) ?? 0;
  afterEach(() => setAffinity(before));

  it('binds the calling thread, and children inherit it', () => {
    setAffinity([last]);
    expect(`${getAffinity()}`).toBe(`${last}`);
    const status = readFileSync(`/proc/self/task/${gettid()}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Cpus_allowed_list:\\s+${last}$`, 'm'));
  });

  it('refuses in one line what the kernel refuses', () => {
    expect(() => setAffinity([8191])).toThrow(/none of these CPUs is online/);
    expect(() => setAffinity([8192])).toThrow(InputError);
    expect(() => getAffinity(2 ** 22)).toThrow(/ESRCH/);
  });

  it('is what taskset sees, where there is one', (context) => {
    setAffinity([last]);
    const seen = spawnSync('taskset', ['-cp', String(gettid())], { encoding: 'utf8' });
    if (seen.error) context.skip('no taskset here');
    expect(seen.stdout.trim()).toMatch(new RegExp(`affinity list: ${last}$`));
  });

  it('reads the CPUs of the host', () => {
    const host = hostCpus();
    expect(host.possible).toMatch(/^0/);
    expect(hostTopology([0])[0]).toMatchObject({ cpu: 0, node: 0 });
  });
});
