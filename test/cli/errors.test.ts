import { describe, expect, it } from 'vitest';
import { cli } from './run_cli.ts';

const OBJECT = 'test/objects/globals.bpf.o';
const SLOTS = 'test/objects/slots.bpf.o';

describe('what is wrong is said in one line, with the exit status of its kind', () => {
  it.each<[readonly string[], number, string]>([
    [['frobnicate'], 2, 'frobnicate: no such command; there are'],
    [['run'], 2, "missing required argument 'object'"],
    [['run', '--nonsense'], 2, "unknown option '--nonsense'"],
    [['run', 'no/such.bpf.o'], 2, 'no/such.bpf.o: no such file'],
    [['run', 'examples'], 2, 'examples: is a directory'],
    [['run', 'package.json'], 2, 'package.json'],
    [['run', OBJECT, '--prog', 'nothing'], 2, 'has none of that name; it has read_all, on_switch, packet'],
    [['run', OBJECT, '--cpus', 'many'], 2, '--cpus: "many" is not a whole number from 1 to 8192'],
    [['run', OBJECT, '--cpus', '0'], 2, '--cpus: "0" is not a whole number'],
    [['run', OBJECT, '--cpus', '4', '--cpu', '4'], 2, '--cpu: 4 is not there: the machine has CPUs 0-3'],
    [['run', OBJECT, '--cpus', '4', '--nr-cpus', '2'], 2, '2 CPUs'],
    [['run', OBJECT, '--set', 'nothing=1'], 2, '--set nothing: the object has no global variable "nothing"; it has'],
    [['run', OBJECT, '--set', 'byte=300'], 2, '300 does not fit'],
    [['run', OBJECT, '--set', 'byte'], 2, '--set: "byte" is not VAR=VALUE'],
    [['run', OBJECT, '--ctx', 'xyz'], 2, '--ctx: "xyz" is not hex'],
    [['run', OBJECT, '--kernel', 'new'], 2, '--kernel: "new" is no release'],
    [['run', OBJECT, '--btf', 'no.btf'], 2, 'no.btf: no such file'],
    [['run', OBJECT, '--btf', 'package.json'], 2, 'package.json'],
    [['run', OBJECT, '--topology', 'numa:2 pu:x'], 2, '"pu:x" is no level'],
    [['run', OBJECT, '--affinity', '9', '--cpus', '4'], 2, 'CPU 9 is out of range'],
    [['run', OBJECT, '--engine', 'warp'], 2, '--engine: "warp" is none of'],
    [['run', SLOTS, '--prog', 'map_leave', '--fire', 'nothing'], 3, 'not supported yet: tracepoint nothing'],
    [['run', OBJECT, '--kernel', '9.9'], 3, 'not supported yet: kernel release 9.9'],
  ])('%j', (args, status, message) => {
    const result = cli(...args);
    expect(result.stderr).toContain(message);
    expect(result.status).toBe(status);
    expect(result.stdout).toBe('');
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).not.toMatch(/\n\s+at |node:internal/);
  });

  it('gives help on request, and where it is needed', () => {
    const help = cli('--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('run');
    const run = cli('run', '--help');
    expect(run.status).toBe(0);
    for (const flag of ['--prog', '--set', '--fire', '--times', '--ctx', '--cpus', '--nr-cpus', '--btf', '--seed']) {
      expect(run.stdout).toContain(flag);
    }
    const none = cli();
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('Usage: bpf-cpumask');
    expect(cli('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
