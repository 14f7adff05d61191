import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cli } from './run_cli.ts';

const OBJECT = 'test/objects/globals.bpf.o';
const SLOTS = 'test/objects/slots.bpf.o';
const AFFINITY = 'examples/affinity/affinity.bpf.o';

const folder = mkdtempSync(join(tmpdir(), 'bpf-cpumask-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** An object without its programs: the flag that marks their sections as code is taken away. */
function withoutPrograms(): Uint8Array {
  const bytes = Uint8Array.from(readFileSync(AFFINITY));
  const view = new DataView(bytes.buffer);
  const sections = Number(view.getBigUint64(0x28, true));
  for (let i = 0; i < view.getUint16(0x3c, true); i++) {
    const flags = sections + i * 64 + 8;
    view.setBigUint64(flags, view.getBigUint64(flags, true) & ~4n, true);
  }
  return bytes;
}

const EMPTY = file('empty.o', '');
const TRUNCATED = file('truncated.o', readFileSync(AFFINITY).subarray(0, 3000));
const BARE = file('bare.o', withoutPrograms());
const BROKEN_BR = file('broken.br', Uint8Array.of(0x1b, 0x0f, 0, 0xf8));

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
    [['kfuncs', '--kernel', '9.9'], 3, 'not supported yet: kernel release 9.9'],
    [['run', EMPTY], 2, 'empty.o: offset 0x0: not an ELF file'],
    [['run', ''], 2, '"": no such file'],
    [['verify', TRUNCATED], 2, 'truncated.o: offset 0x28: 16 section headers at 0x1e20 end past the file (3000 bytes)'],
    [['run', BARE], 2, 'bare.o: has no programs'],
    [['verify', BARE], 2, 'bare.o: has no programs'],
    [['disasm', BARE], 2, 'bare.o: has no programs'],
    [['disasm', OBJECT, '--prog', ''], 2, 'has no program ""; it has read_all'],
    [['replay', EMPTY], 2, 'empty.o: has no vectors'],
    [['replay', BROKEN_BR], 2, 'broken.br: cannot be unpacked'],
    [['run', OBJECT, '--btf', BROKEN_BR], 2, 'broken.br: cannot be unpacked'],
    [['run', OBJECT, '--topology', ''], 2, '"": topology: "" is no level'],
    [['run', OBJECT, '--engine', 'live', '--fire', 'sched_switch'], 2, '--fire: goes with the simulated kernel'],
    [['run', OBJECT, '--engine', 'live', '--fail', 'create:1'], 2, '--fail: goes with the simulated kernel'],
    [['run', OBJECT, '--parallel', '--ledger', 'json'], 2, '--ledger: does not go with --parallel'],
    [['explore', AFFINITY, '--cpu', '0=record_new_task', '--assert', 'failed=x'], 2, '"x" is no whole number'],
    [['explore', AFFINITY, '--faults', '--replay', '0:1'], 2, '--faults: does not go with --replay'],
  ])('%j', (args, status, message) => {
    const result = cli(...args);
    expect(result.stderr).toContain(message);
    expect(result.status).toBe(status);
    expect(result.stdout).toBe('');
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).not.toMatch(/\n\s+at |node:internal/);
  });

  it.skipIf(!existsSync('/dev/zero'))('reads no more of a file that never ends than a file may have', () => {
    const { status, stderr } = cli('disasm', '/dev/zero');
    expect(stderr).toBe('bpf-cpumask: /dev/zero: goes on after 268435456 bytes, which is what is read at most\n');
    expect(status).toBe(2);
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
