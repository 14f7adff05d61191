// `pin`, as other tools see what it started.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CpuMask } from '../../src/kernel/cpu_mask.ts';
import { getAffinity } from '../../src/platform/node/sched_affinity.ts';
import { root } from '../root.ts';
import { whyUnbound } from '../support/affinity.ts';

const reason = whyUnbound();
const COMMAND = 'console.log(process.pid); setTimeout(() => {}, 60_000)';

/** Starts a command below `pin`; gives its process id, and ends it in the end. */
async function pinned(cpus: string, look: (pid: string) => void): Promise<number | null> {
  const args = ['dist/cli.cjs', 'pin', '--cpus', cpus, '--', process.execPath, '-e', COMMAND];
  const child = spawn(process.execPath, args, { cwd: fileURLToPath(root), stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    const pid = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (data) => resolve(String(data).trim()));
      child.once('exit', (code) => reject(new Error(`pin ended with ${code}`)));
    });
    look(pid);
  } finally {
    // It is passed on to the command, whose end is that of `pin`.
    child.kill('SIGTERM');
  }
  return ended;
}

describe.skipIf(reason)(`pin${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const own = reason ? CpuMask.of() : getAffinity();
  const last = own.last ?? 0;
  // All but the first, where there are several.
  const rest = own.weight > 1 ? own.andnot(CpuMask.of(own.first ?? 0)) : own;

  it('is what /proc says of the command', async () => {
    const status = await pinned(String(last), (pid) => {
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^Cpus_allowed_list:\\s+${last}$`, 'm'));
    });
    expect(status).toBe(128 + 15);
  });

  it('is what taskset says of it', async (context) => {
    if (spawnSync('taskset', ['--version']).error) context.skip('no taskset here');
    await pinned(own.weight > 1 ? `${own} & ~${own.first}` : `${own}`, (pid) => {
      const list = spawnSync('taskset', ['-cp', pid], { encoding: 'utf8' }).stdout.trim();
      expect(list.split(' ').at(-1)).toBe(`${rest}`);
      const hex = spawnSync('taskset', ['-p', pid], { encoding: 'utf8' }).stdout.trim();
      expect(BigInt(`0x${hex.split(' ').at(-1)}`)).toBe(rest.toBigInt());
    });
  });
});
