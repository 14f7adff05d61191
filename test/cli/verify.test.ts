import { describe, expect, it } from 'vitest';
import { cli, json } from './run_cli.ts';

const CLAIM = 'examples/claim/claim.bpf.o';
const LEAK = 'test/data/verdicts/obj/life_leak.bpf.o';

describe('verify', () => {
  it('judges every program of every object, and exits with the worst of it', () => {
    const both = cli('verify', CLAIM, LEAK, '--json');
    expect(both.status).toBe(1);
    const verdicts = json(both).map(({ object, program, verdict }) => `${object}.${program} ${verdict}`);
    expect(verdicts.slice(0, 4)).toEqual([
      'claim.set_up accept',
      'claim.claim_cpu accept',
      'claim.give_back_cpu accept',
      'life_leak.never_released reject',
    ]);
    expect(cli('verify', CLAIM, CLAIM).status).toBe(0);
  });

  it('says which object it speaks of where there are several', () => {
    expect(cli('verify', CLAIM).stdout).not.toContain(`${CLAIM}:`);
    const lines = cli('verify', CLAIM, LEAK).stdout.split('\n');
    expect(lines[0]).toBe(`${CLAIM}:`);
    expect(lines).toContain(`${LEAK}:`);
  });
});
