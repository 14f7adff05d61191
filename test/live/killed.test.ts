// A live run that is killed in the middle leaves nothing in the kernel: what it had open is asked for by id afterwards.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { liveKernel } from '../../src/platform/node/live_kernel.ts';
import { openNative, syscallNumber } from '../../src/platform/node/native.ts';
import { root } from '../root.ts';

const { missing } = liveKernel();
const ENOENT = 2;
const BPFFS = '/sys/fs/bpf';

/** Kinds of kernel objects: how /proc/PID/fdinfo names their id, and the bpf(2) command that opens one by its id. */
const KINDS = { prog_id: 13, map_id: 14, link_id: 30 } as const;
type Kind = keyof typeof KINDS;

interface KernelId {
  readonly kind: Kind;
  readonly id: number;
}

/** Programs, maps and links that a process holds. */
function heldBy(pid: number): KernelId[] {
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder).flatMap((fd): KernelId[] => {
    let text: string;
    try {
      text = readFileSync(`${folder}/${fd}`, 'utf8');
    } catch {
      return []; // closed meanwhile
    }
    // A link's file names its program too; the link is what counts there.
    const kinds: readonly Kind[] = /^link_id:/m.test(text) ? ['link_id'] : ['prog_id', 'map_id'];
    return kinds.flatMap((kind) => {
      const id = new RegExp(`^${kind}:\\s*(\\d+)`, 'm').exec(text)?.[1];
      return id === undefined ? [] : [{ kind, id: Number(id) }];
    });
  });
}

/** Is it still in the kernel? */
function exists({ kind, id }: KernelId): boolean {
  const native = openNative();
  const mark = native.mark();
  const { address, bytes } = native.alloc(64);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, id, true);
  const fd = native.syscall(syscallNumber('bpf'), KINDS[kind], address, 64);
  native.reset(mark);
  if (fd === -ENOENT) return false;
  if (fd < 0) throw new Error(`${kind} ${id}: errno ${-fd}`);
  native.syscall(CLOSE, fd);
  return true;
}
/** close(2) by architecture. */
const CLOSE = process.arch === 'arm64' ? 57 : 3;

const pins = () => (existsSync(BPFFS) ? readdirSync(BPFFS, { recursive: true, encoding: 'utf8' }) : []);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `done` gives something; kernel objects are freed a grace period after the last reference is gone. */
async function until<T>(what: string, done: () => T | false): Promise<T> {
  for (const end = performance.now() + 30_000; performance.now() < end; await pause(20)) {
    const result = done();
    if (result !== false) return result;
  }
  throw new Error(`${what}: not within 30 s`);
}

async function killInTheMiddle(child: ChildProcess): Promise<KernelId[]> {
  const { pid } = child;
  if (pid === undefined) throw new Error('the command was not started');
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  const held = await until('program, map and link', () => {
    const found = heldBy(pid);
    return Object.keys(KINDS).every((kind) => found.some((one) => one.kind === kind)) && found;
  });
  expect(held.filter(exists)).toEqual(held);
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
  return held;
}

describe.skipIf(missing)(`a live run that is killed${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('leaves no program, map, link or pin', async () => {
    const before = new Set(pins());
    const args = ['dist/cli.cjs', 'run', 'examples/affinity/affinity.bpf.o', '--engine', 'live', '--times', '1000000'];
    const child = spawn(process.execPath, args, { cwd: fileURLToPath(root), stdio: 'ignore' });
    const held = await killInTheMiddle(child);
    expect(held.length).toBeGreaterThan(3);
    await until('everything gone', () => !held.some(exists));
    expect(pins().filter((pin) => !before.has(pin))).toEqual([]);
  });
});
