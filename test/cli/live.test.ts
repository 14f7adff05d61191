// Commands that need the live kernel, where something that they need is missing: one line, exit status 3.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getAffinity } from '../../src/platform/node/sched_affinity.ts';
import { root as rootUrl } from '../root.ts';

const root = fileURLToPath(rootUrl);
const OBJECT = join(root, 'examples/claim/claim.bpf.o');
const VECTORS = join(root, 'test/data/golden/live618.jsonl.br');

/** What asks the kernel for something that takes privileges. */
const ASKING = [
  ['run', OBJECT, '--engine', 'live'],
  ['verify', OBJECT, '--engine', 'live'],
  ['diff', OBJECT],
  ['capture'],
  ['replay', VECTORS, '--engine', 'live'],
];
const PINNING = ['pin', '--cpus', '0', '--', process.execPath, '--version'];

/** Node's options, where the command line is, and who runs it. */
interface Surroundings {
  readonly node?: readonly string[];
  readonly folder?: string;
  readonly uid?: number;
}

function command(args: readonly string[], { node = [], folder = root, uid }: Surroundings) {
  const user = uid === undefined ? {} : { uid, gid: uid };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, join(folder, 'dist/cli.cjs'), ...args], {
    cwd: '/',
    encoding: 'utf8',
    ...user,
  });
  return { status, stdout, stderr };
}

function expectOneLine(args: readonly string[], where: Surroundings, words: RegExp): void {
  const { status, stdout, stderr } = command(args, where);
  expect({ args, status, stdout }).toEqual({ args, status: 3, stdout: '' });
  expect(stderr.trim()).toMatch(words);
  expect(stderr.trim().split('\n')).toHaveLength(1);
}

/** A copy of the package that anybody may read, without what npm installs. */
let copy = '';
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'bpf-cpumask-'));
  for (const name of ['dist', 'package.json', 'examples/claim/claim.bpf.o']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  spawnSync('chmod', ['-R', 'a+rX', copy]);
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const linux = process.platform === 'linux' ? '' : 'not Linux';

describe.skipIf(linux)(`without koffi${linux ? ` (skipped: ${linux})` : ''}`, () => {
  it.each([...ASKING, PINNING])('%s', (...args) => {
    expectOneLine(
      args,
      { folder: copy },
      /^.*not supported yet: .* without the optional package koffi \(npm install koffi\)$/,
    );
  });

  it('doctor says how to get it', () => {
    const { status, stdout, stderr } = command(['doctor'], { folder: copy });
    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
    expect(stdout).toMatch(/^-- {2}koffi .*not there\n +npm install koffi$/m);
  });

  it('the simulated kernel is there as ever', () => {
    const { status, stdout } = command(
      ['run', join(copy, 'examples/claim/claim.bpf.o'), '--prog', 'set_up', '--json'],
      {
        folder: copy,
      },
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ program: 'set_up', retval: 0 });
  });
});

describe('elsewhere than on Linux', () => {
  const node = ['--import', 'data:text/javascript,Object.defineProperty(process, "platform", { value: "darwin" })'];
  it.each([...ASKING, PINNING])('%s', (...args) => {
    expectOneLine(args, { node }, /^.*not supported yet: .*Linux/);
  });

  it('doctor says so', () => {
    const { status, stdout } = command(['doctor'], { node });
    expect(status).toBe(3);
    expect(stdout).toMatch(/^-- {2}kernel .*darwin/m);
    expect(stdout).toContain('the live engine needs Linux');
  });
});

const NOBODY = 65534;
/** Why nobody cannot try; empty when nobody can. */
function whyNotNobody(): string {
  if (linux) return linux;
  if (process.getuid?.() === 0) {
    const { status } = command(['--version'], { uid: NOBODY });
    return status === 0 ? '' : 'an unprivileged user cannot read this folder';
  }
  return '';
}
const asNobody: Surroundings = process.getuid?.() === 0 ? { uid: NOBODY } : {};
const noNobody = whyNotNobody();

describe.skipIf(noNobody)(`without privileges${noNobody ? ` (skipped: ${noNobody})` : ''}`, () => {
  it.each(ASKING)('%s', (...args) => {
    expectOneLine(
      args,
      asNobody,
      /^.*not supported yet: the live kernel without CAP_BPF and CAP_PERFMON \(run as root\)$/,
    );
  });

  it('doctor says how to get them', () => {
    const { status, stdout } = command(['doctor'], asNobody);
    expect(status).toBe(3);
    expect(stdout).toMatch(/^-- {2}privileges .*no CAP_BPF and CAP_PERFMON\n +run as root/m);
  });

  it('pin needs none', () => {
    const own = getAffinity();
    const { status, stdout } = command(
      ['pin', '--cpus', String(own.first), '--', process.execPath, '--version'],
      asNobody,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${process.version}\n` });
  });
});
