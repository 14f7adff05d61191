/** The fuzzer's watch must see what it is there for; a child that misbehaves on purpose shows that it does. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runJob } from './watch.ts';

const entry = fileURLToPath(new URL('bad_child.mjs', import.meta.url));
const limits = { wallMs: 2000, cpuMs: 1000, memory: 256 << 20 };
const run = (deed: string, more = {}) =>
  runJob(entry, { seed: deed as unknown as number, from: 12, to: 13, step: 1 }, { ...limits, ...more });

describe('the watch over fuzz cases', () => {
  it('lets a case be that ends in its limits', async () => {
    const { ended, failed, over } = await run('well');
    expect([ended.length, failed, over]).toEqual([1, [], null]);
  });

  it.each([
    ['hang', 'did not end in 2000 ms'],
    ['slow', 'took 1500 ms'],
    ['peak', 'memory grew to 600 MiB'],
    ['die', 'its process died of SIGSEGV'],
    ['leave', 'its process died of exit status 7'],
  ])('notes a case that does: %s', async (deed, why) => {
    expect((await run(deed)).over).toEqual({ number: 12, why });
  });

  it.runIf(process.platform === 'linux')('sees memory that a case takes while it runs', async () => {
    const { over } = await run('grow', { wallMs: 20_000 });
    expect(over?.why).toMatch(/^memory grew to \d+ MiB$/);
  });

  it('keeps what a case threw', async () => {
    expect((await run('throw')).failed).toEqual([{ number: 12, why: 'TypeError: undefined' }]);
  });
});
