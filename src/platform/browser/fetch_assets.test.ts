import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMachine } from '../create_machine.ts';
import { fetchAssets } from './fetch_assets.ts';

const dist = (name: string) => readFileSync(new URL(`../../../dist/${name}`, import.meta.url));
const url = (bytes: Uint8Array) => `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`;
const urls = () => ({
  kernelWasm: url(dist('kernel.wasm')),
  verifierWasm: url(dist('verifier.wasm')),
  btf: url(gzipSync(dist('6.18.btf'), { level: 1 })),
});
const affinity = () =>
  new Uint8Array(readFileSync(new URL('../../../examples/affinity/affinity.bpf.o', import.meta.url)));

afterEach(() => vi.unstubAllGlobals());

describe('fetchAssets', () => {
  it('gives what createMachine needs', async () => {
    const machine = createMachine({ cpus: 2, ...(await fetchAssets(urls())) });
    const object = machine.load(affinity());
    object.program('record_new_task').run();
    expect(object.globals.get('recorded')).toBe(1);
  });

  it('does so where there is no shared memory', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const machine = createMachine({ cpus: 1, ...(await fetchAssets(urls())) });
    expect(machine.memory.memory.buffer).toBeInstanceOf(ArrayBuffer);
    const object = machine.load(affinity());
    object.program('record_new_task').run();
    expect(object.globals.get('recorded')).toBe(1);
  });

  it('names what cannot be had', async () => {
    await expect(fetchAssets({ ...urls(), btf: 'no-such-scheme:x' })).rejects.toThrow(
      'no-such-scheme:x: cannot be fetched',
    );
  });
});

describe('the bundle for browsers', () => {
  it('imports nothing of Node', () => {
    const text = dist('browser.js').toString();
    expect(text).not.toMatch(/from\s*["']node:|import\s*\(\s*["']node:|require\(/);
  });
});
